output "bucket" {
  description = "Bucket for -backend-config=bucket=…"
  value       = aws_s3_bucket.state.id
}

output "region" {
  description = "Region for -backend-config=region=…"
  value       = data.aws_region.this.id
}
