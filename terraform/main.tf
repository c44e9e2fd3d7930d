data "aws_caller_identity" "this" {}
data "aws_region" "this" {}
data "aws_partition" "this" {}

locals {
  # make names processors as Go does, Lambda in its own way.
  zips = "${var.artifacts_dir}/${ { arm64 = "arm64", x86_64 = "amd64" }[var.architecture]}"

  # ARN prefix of a regional service: local.arn["sqs"] is "arn:aws:sqs:us-east-1:123456789012".
  arn = {
    for service in ["dynamodb", "events", "lambda", "logs", "sns", "sqs", "ssm"] :
    service => "arn:${data.aws_partition.this.partition}:${service}:${data.aws_region.this.id}:${data.aws_caller_identity.this.account_id}"
  }

  # As a name, since the bus needs the key whose policy names it.
  bus_name = "alchemiser-trading-events-${var.stage}"
  key_arn  = one(module.key[*].arn)

  # In shadow mode the process starts the runs.
  scheduled = var.schedules_enabled && var.mode != "shadow"

  # The only address that means real money: variables.tf refuses every other way of writing it.
  live = var.broker_base_url == "https://api.alpaca.markets"

  limits = var.limits != null ? var.limits : { max_order = "250000", max_turnover = "1", max_spread = "0.05" }

  # The longest that a plan works in one attempt: sells and buys walk their steps and wait six times as long on a market order
  # each, and as long for the proceeds between them.
  longest_trading_seconds = (2 * (var.limit_steps + 6) + 6) * var.step_seconds

  # Created outside of Terraform, so that broker keys never enter its state.
  broker_secret = "/alchemiser/${var.stage}/broker"

  environment = {
    STAGE                           = var.stage
    MODE                            = var.mode == "shadow" ? "shadow" : "live"
    STATE__TABLE                    = module.state.table_name
    EVENTBRIDGE__EVENT_BUS_NAME     = module.bus.name
    EVENTBRIDGE__SOURCE_PREFIX      = "alchemiser"
    EVENTBRIDGE__USE_EVENTBRIDGE    = "true"
    BROKER__BASE_URL                = var.broker_base_url
    BROKER__DATA_URL                = var.broker_data_url
    BROKER__SECRET_ID               = local.broker_secret
    BROKER__ALLOW_LIVE              = tostring(var.broker_allow_live)
    PORTFOLIO__ID                   = var.portfolio_id
    PORTFOLIO__CASH_RESERVE         = var.cash_reserve
    PORTFOLIO__MIN_TRADE            = var.minimum_trade
    PORTFOLIO__TOLERANCE            = var.tolerance
    PORTFOLIO__MAX_TURNOVER         = local.limits.max_turnover
    PORTFOLIO__MAX_ORDER            = local.limits.max_order
    PORTFOLIO__MAX_SPREAD           = local.limits.max_spread
    EXECUTION__MAX_PLAN_AGE         = "30m"
    EXECUTION__STEPS                = tostring(var.limit_steps)
    EXECUTION__STEP_INTERVAL        = "${var.step_seconds}s"
    EXECUTION__CLOSE_MARGIN         = "${var.close_margin_seconds}s"
    NOTIFY__TOPIC_ARN               = module.observability.digest_topic_arn
    EVENTBRIDGE__MAX_RETRY_ATTEMPTS = "3"
  }
}

# A state belongs to one stage on one account: `stage=prod` on dev's state is refused instead of replacing dev.
resource "terraform_data" "owner" {
  input = {
    stage   = var.stage
    account = data.aws_caller_identity.this.account_id
  }

  lifecycle {
    ignore_changes = [input]

    precondition {
      condition     = contains(["default", var.stage], terraform.workspace)
      error_message = "Workspace ${terraform.workspace} is not stage ${var.stage}: select the workspace of the stage, or stay in default."
    }

    postcondition {
      condition     = self.output.stage == var.stage && self.output.account == data.aws_caller_identity.this.account_id
      error_message = "This state belongs to stage ${self.output.stage} on account ${self.output.account}: initialise with the state of ${var.stage} on ${data.aws_caller_identity.this.account_id} instead."
    }
  }
}

# What real money asks for, beside what one variable can say of itself.
resource "terraform_data" "trading" {
  lifecycle {
    precondition {
      condition     = var.broker_allow_live == local.live
      error_message = local.live ? "broker_base_url is Alpaca's live API, which trades real money: set broker_allow_live = true, or use https://paper-api.alpaca.markets." : "broker_allow_live is true, but broker_base_url is ${var.broker_base_url}, not https://api.alpaca.markets: say which is meant."
    }

    precondition {
      condition     = !local.live || var.limits != null
      error_message = "A live account has no default limits: set limits = { max_order, max_turnover, max_spread } to what you are ready to see traded unattended."
    }

    precondition {
      condition     = !local.live || var.account_id != null
      error_message = "A live account is traded from one AWS account: set account_id, so that no other credentials deploy it."
    }

    precondition {
      condition     = !local.live || (var.notification_email != null && var.observability)
      error_message = "Nobody would hear of a failed run on a live account: set notification_email, and leave observability on."
    }

    precondition {
      condition     = local.longest_trading_seconds <= local.functions.execution.timeout_seconds
      error_message = "Trading one plan may take ${local.longest_trading_seconds} s, (2 x (limit_steps + 6) + 6) x step_seconds, and execution has ${local.functions.execution.timeout_seconds} s: lower limit_steps or step_seconds."
    }
  }
}

# By their names, since what the roles may use is encrypted with the key.
module "key" {
  source = "./modules/key"
  count  = var.customer_key ? 1 : 0

  stage    = var.stage
  bus_name = local.bus_name
  role_arns = [
    for name in ["strategy", "portfolio", "execution", "monitor", "schedule"] :
    "arn:${data.aws_partition.this.partition}:iam::${data.aws_caller_identity.this.account_id}:role/alchemiser-${name}-${var.stage}"
  ]
}

module "bus" {
  source = "./modules/bus"

  stage                  = var.stage
  key_arn                = local.key_arn
  archive_retention_days = var.archive_retention_days

  depends_on = [terraform_data.owner]
}

module "state" {
  source = "./modules/state"

  stage               = var.stage
  key_arn             = local.key_arn
  deletion_protection = var.deletion_protection

  depends_on = [terraform_data.owner]
}

module "observability" {
  source = "./modules/observability"

  enabled            = var.observability
  stage              = var.stage
  bus                = { name = module.bus.name, arn = module.bus.arn }
  dead_letters_arn   = module.bus.dead_letters_arn
  dead_letters_name  = module.bus.dead_letters_name
  rules_off          = module.state.rules_off
  watched            = local.scheduled
  runbook            = var.runbook
  key_arn            = local.key_arn
  event_log_rule     = local.functions.monitor.rule_name
  log_retention_days = var.log_retention_days
  notification_email = var.notification_email
}

module "function" {
  source   = "./modules/function"
  for_each = local.functions

  name               = each.key
  stage              = var.stage
  architecture       = var.architecture
  zip                = "${local.zips}/${each.key}.zip"
  memory_mb          = each.value.memory_mb
  timeout_seconds    = each.value.timeout_seconds
  environment        = local.environment
  key_arn            = local.key_arn
  smoke              = var.smoke
  release            = var.release == each.key
  rule_name          = each.value.rule_name
  rule_enabled       = (var.mode != "hosted" || each.key == "monitor") && !contains(module.state.rules_off, each.value.rule_name)
  event_pattern      = each.value.event_pattern
  statements         = each.value.statements
  alarms             = var.observability ? { topic_arn = module.observability.alarms_topic_arn, runbook = var.runbook } : null
  bus                = { name = module.bus.name, arn = module.bus.arn }
  log_retention_days = var.log_retention_days

  reserved_concurrency    = lookup(var.reserved_concurrency, each.key, null)
  code_signing_config_arn = var.code_signing_config_arn
}

module "schedule" {
  source = "./modules/schedule"

  stage            = var.stage
  portfolio_id     = var.portfolio_id
  enabled          = local.scheduled
  bus_arn          = module.bus.arn
  dead_letters_arn = module.bus.dead_letters_arn
  watchdog_arn     = module.function["monitor"].alias_arn
}

module "dashboard" {
  source = "./modules/dashboard"
  count  = var.observability ? 1 : 0

  stage     = var.stage
  functions = module.function
  queues    = merge({ for name, f in module.function : name => f.dead_letters_name }, { bus = module.bus.dead_letters_name })
  alarms    = concat(module.observability.alarm_arns, flatten([for f in module.function : f.alarm_arns]))
  event_log = module.observability.event_log_group_name
  runbook   = var.runbook
}

# What `alchemiser run --mode eventbridge` reads.
module "host" {
  source = "./modules/host"
  count  = var.mode == "hosted" ? 1 : 0

  stage            = var.stage
  bus              = { name = module.bus.name, arn = module.bus.arn }
  dead_letters_arn = module.bus.dead_letters_arn
  key_arn          = local.key_arn
}

# The monitor's rule has a second target: every event also lands in a log group, beside its function.
resource "aws_cloudwatch_event_target" "event_log" {
  count = var.observability ? 1 : 0

  event_bus_name = module.bus.name
  rule           = module.function["monitor"].rule_name
  target_id      = "event-log"
  arn            = module.observability.event_log_group_arn

  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 3
  }

  dead_letter_config {
    arn = module.bus.dead_letters_arn
  }
}
