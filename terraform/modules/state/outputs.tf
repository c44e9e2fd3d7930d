output "table_name" {
  description = "Name of the state table."
  value       = aws_dynamodb_table.this.name
}

output "table_arn" {
  description = "ARN of the state table."
  value       = aws_dynamodb_table.this.arn
}

output "trading_enabled_name" {
  description = "Name of the kill switch parameter."
  value       = aws_ssm_parameter.trading_enabled.name
}

output "trading_enabled_arn" {
  description = "ARN of the kill switch parameter."
  value       = aws_ssm_parameter.trading_enabled.arn
}

output "rules_off" {
  description = "Names of the rules that an operator has switched off."
  value       = toset(split(",", aws_ssm_parameter.rules_off.insecure_value))
}
