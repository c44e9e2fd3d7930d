# One more function on the bus of a stage that is deployed already. It has a state of its own: it comes and goes without a plan of
# the stage.
data "aws_cloudwatch_event_bus" "stage" {
  name = "alchemiser-trading-events-${var.stage}"
}

data "aws_sns_topic" "alarms" {
  name = "alchemiser-alarms-${var.stage}"
}

module "journal" {
  source = "../../modules/function"

  name            = "journal"
  stage           = var.stage
  architecture    = var.architecture
  zip             = var.zip
  memory_mb       = 128
  timeout_seconds = 30
  environment     = { STAGE = var.stage }

  bus       = { name = data.aws_cloudwatch_event_bus.stage.name, arn = data.aws_cloudwatch_event_bus.stage.arn }
  rule_name = "alchemiser-trade-executed-journal-${var.stage}"
  event_pattern = jsonencode({
    source        = ["alchemiser.execution"]
    "detail-type" = ["TradeExecuted"]
  })

  # Its logs, traces and dead letters are all that it writes.
  statements = []

  alarms             = { topic_arn = data.aws_sns_topic.alarms.arn, runbook = var.runbook }
  log_retention_days = 90
}
