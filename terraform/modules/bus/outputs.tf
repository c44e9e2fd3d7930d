output "name" {
  description = "Name of the bus."
  value       = aws_cloudwatch_event_bus.this.name
}

output "arn" {
  description = "ARN of the bus."
  value       = aws_cloudwatch_event_bus.this.arn
}

output "archive_name" {
  description = "Name of the archive of all events."
  value       = aws_cloudwatch_event_archive.this.name
}

output "dead_letters_arn" {
  description = "ARN of the dead letter queue of all targets that are not functions."
  value       = aws_sqs_queue.dead_letters.arn
}

output "dead_letters_url" {
  description = "URL of the dead letter queue of all targets that are not functions."
  value       = aws_sqs_queue.dead_letters.url
}

output "dead_letters_name" {
  description = "Name of the dead letter queue of all targets that are not functions."
  value       = aws_sqs_queue.dead_letters.name
}
