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
