output "role_arn" {
  description = "Role for the workflow's role-to-assume."
  value       = aws_iam_role.deploy.arn
}

output "subject" {
  description = "Claim that a job's token must have."
  value       = "repo:${var.repository}:environment:${local.environment}"
}
