# What each function listens to and what it may do. Permissions that all functions share (logs, traces, their own dead
# letter queue) are in modules/function.
locals {
  publish = {
    sid       = "Publish"
    actions   = ["events:PutEvents"]
    resources = [module.bus.arn]
  }

  state = {
    sid       = "State"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"]
    resources = [module.state.table_arn]
  }

  broker_keys = {
    sid       = "BrokerKeys"
    actions   = ["ssm:GetParameter"]
    resources = ["${local.arn.ssm}:parameter${local.broker_secret}"]
  }

  functions = {
    strategy = {
      memory_mb       = 512
      timeout_seconds = 60
      rule_name       = "alchemiser-workflow-started-${var.stage}"
      event_pattern = jsonencode({
        source        = [{ prefix = "alchemiser." }]
        "detail-type" = ["WorkflowStarted"]
      })
      statements = [local.publish, local.state, local.broker_keys]
    }

    portfolio = {
      memory_mb       = 256
      timeout_seconds = 60
      rule_name       = "alchemiser-signal-generated-${var.stage}"
      event_pattern = jsonencode({
        source        = ["alchemiser.strategy"]
        "detail-type" = ["SignalGenerated"]
      })
      statements = [local.publish, local.state, local.broker_keys]
    }

    # A replay must never trade: the pattern excludes it before the code refuses it.
    execution = {
      memory_mb       = 256
      timeout_seconds = 600
      rule_name       = "alchemiser-rebalance-planned-${var.stage}"
      event_pattern = jsonencode({
        source        = ["alchemiser.portfolio"]
        "detail-type" = ["RebalancePlanned"]
        "replay-name" = [{ exists = false }]
      })
      statements = [local.publish, local.state, local.broker_keys, {
        sid       = "KillSwitch"
        actions   = ["ssm:GetParameter"]
        resources = [module.state.trading_enabled_arn]
      }]
    }

    # The monitor publishes nothing on the bus, so that an error cannot feed itself.
    monitor = {
      memory_mb       = 256
      timeout_seconds = 30
      rule_name       = "alchemiser-all-events-monitor-${var.stage}"
      event_pattern   = jsonencode({ source = [{ prefix = "alchemiser." }] })
      statements = [local.state, {
        sid       = "Notify"
        actions   = ["sns:Publish"]
        resources = [module.observability.digest_topic_arn]
      }]
    }
  }
}
