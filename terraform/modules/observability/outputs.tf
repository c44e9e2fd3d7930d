output "event_log_group_name" {
  description = "Log group that holds every event; null if not enabled."
  value       = one(aws_cloudwatch_log_group.events[*].name)
}

output "event_log_group_arn" {
  description = "ARN of the log group that holds every event; null if not enabled."
  value       = one(aws_cloudwatch_log_group.events[*].arn)
}

output "digest_topic_arn" {
  description = "Topic with the digest of each run, for people."
  value       = aws_sns_topic.digest.arn
}

output "trades_topic_arn" {
  description = "Topic with each TradeExecuted event, for machines; null if not enabled."
  value       = one(aws_sns_topic.trades[*].arn)
}

output "alarms_topic_arn" {
  description = "Topic with the alarms, for people; null if not enabled."
  value       = one(aws_sns_topic.alarms[*].arn)
}

output "alarm_arns" {
  description = "ARNs of the alarms of the stage as a whole."
  value       = [for alarm in aws_cloudwatch_metric_alarm.this : alarm.arn]
}
