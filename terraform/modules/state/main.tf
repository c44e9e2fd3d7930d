# One table, no secondary index: keys and item types are in internal/store.
resource "aws_dynamodb_table" "this" {
  name         = "alchemiser-state-${var.stage}"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "pk"
  range_key    = "sk"

  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  # Only claims, outbox items and fingerprints carry a ttl; the ledger and the guards stay for ever.
  ttl {
    attribute_name = "ttl"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  # Not enabled, it is encrypted all the same, with a key that AWS owns.
  server_side_encryption {
    enabled     = var.key_arn != null
    kms_key_arn = var.key_arn
  }
}

# The kill switch. Operators flip it; an apply never flips it back.
resource "aws_ssm_parameter" "trading_enabled" {
  name        = "/alchemiser/${var.stage}/trading_enabled"
  description = "Execution places no order unless this is true."
  type        = "String"
  value       = "true"

  lifecycle {
    ignore_changes = [value]
  }
}

# The rules that an operator has switched off (`alchemiser rules disable`), by name with commas between. An apply reads them
# and leaves those rules off.
resource "aws_ssm_parameter" "rules_off" {
  name           = "/alchemiser/${var.stage}/rules_off"
  description    = "Rules that stay disabled when Terraform applies; none if there are none."
  type           = "String"
  insecure_value = "none"

  lifecycle {
    ignore_changes = [insecure_value]
  }
}
