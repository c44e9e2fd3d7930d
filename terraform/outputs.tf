output "stage" {
  description = "Stage of this deployment."
  value       = var.stage
}

output "event_bus_name" {
  description = "Bus that carries all events."
  value       = module.bus.name
}

output "archive_name" {
  description = "Archive that replays read from."
  value       = module.bus.archive_name
}

output "state_table_name" {
  description = "Table with claims, ledger and timeline."
  value       = module.state.table_name
}

output "trading_enabled_parameter" {
  description = "Kill switch: execution places no order unless its value is \"true\"."
  value       = module.state.trading_enabled_name
}

output "broker_secret_name" {
  description = "SecureString parameter with the broker keys {\"key_id\", \"secret_key\"}; create it before the first run."
  value       = local.broker_secret
}

output "trading" {
  description = "Where orders go, whether that is real money, and the limits within which they are."
  value = {
    broker = var.broker_base_url
    live   = local.live
    limits = local.limits
  }
}

output "functions" {
  description = "Per function: name, live alias, rule, log group and dead letter queue."
  value = {
    for name, f in module.function : name => {
      function_name    = f.function_name
      alias_arn        = f.alias_arn
      rule_name        = f.rule_name
      log_group_name   = f.log_group_name
      dead_letters_url = f.dead_letters_url
    }
  }
}

output "event_log_group_name" {
  description = "Log group that holds every event; null without observability."
  value       = module.observability.event_log_group_name
}

output "event_dead_letters_url" {
  description = "Dead letter queue of all targets that are not functions."
  value       = module.bus.dead_letters_url
}

output "schedule_names" {
  description = "Schedules by purpose, in schedule_group_name."
  value       = module.schedule.schedule_names
}

output "schedule_group_name" {
  description = "Group of all schedules of this stage."
  value       = module.schedule.group_name
}

output "digest_topic_arn" {
  description = "Topic with the digest of each run, for people."
  value       = module.observability.digest_topic_arn
}

output "trades_topic_arn" {
  description = "Topic with each TradeExecuted event as JSON, for machines; null without observability."
  value       = module.observability.trades_topic_arn
}

output "alarms_topic_arn" {
  description = "Topic with the alarms, for people; null without observability."
  value       = module.observability.alarms_topic_arn
}

output "dashboard_name" {
  description = "Dashboard that answers whether today's rebalance worked; null without observability."
  value       = one(module.dashboard[*].name)
}
