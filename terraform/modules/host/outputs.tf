output "queue_url" {
  description = "Queue that the process reads."
  value       = aws_sqs_queue.this.url
}
