output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "alias_arn" {
  description = "ARN of the alias that everything invokes."
  value       = aws_lambda_alias.live.arn
}

output "rule_name" {
  description = "Name of the rule that selects the function's events."
  value       = aws_cloudwatch_event_rule.this.name
}

output "log_group_name" {
  description = "Log group of the function."
  value       = aws_cloudwatch_log_group.this.name
}

output "dead_letters_url" {
  description = "URL of the function's dead letter queue."
  value       = aws_sqs_queue.dead_letters.url
}

output "dead_letters_name" {
  description = "Name of the function's dead letter queue."
  value       = aws_sqs_queue.dead_letters.name
}

output "alarm_arns" {
  description = "ARNs of the function's alarms."
  value       = [for alarm in aws_cloudwatch_metric_alarm.this : alarm.arn]
}
