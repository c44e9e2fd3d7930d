# One key for everything that a stage keeps. Its policy names who may use it, and for what; beside them nobody can, whatever other
# policies of the account say.
data "aws_caller_identity" "this" {}
data "aws_region" "this" {}
data "aws_partition" "this" {}

locals {
  partition = data.aws_partition.this.partition
  region    = data.aws_region.this.id
  account   = data.aws_caller_identity.this.account_id

  # As names, not as references: these resources need the key before they can be made.
  bus_arn    = "arn:${local.partition}:events:${local.region}:${local.account}:event-bus/${var.bus_name}"
  rules_arn  = "arn:${local.partition}:events:${local.region}:${local.account}:rule/${var.bus_name}/*"
  alarms_arn = "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:alchemiser-${var.stage}-*"
  log_groups_arns = [
    "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/lambda/alchemiser-*-${var.stage}",
    "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/events/alchemiser-${var.stage}",
  ]
}

resource "aws_kms_key" "this" {
  description             = "What alchemiser ${var.stage} keeps: events, state, messages, logs."
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key_policy.json
}

resource "aws_kms_alias" "this" {
  name          = "alias/alchemiser-${var.stage}"
  target_key_id = aws_kms_key.this.key_id
}

# In a key's policy "*" is the key itself: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
data "aws_iam_policy_document" "key_policy" {
  # Whom the account's own policies let administer keys. It gives nobody the use of the key.
  statement {
    sid = "Administration"
    actions = [
      "kms:CancelKeyDeletion", "kms:CreateAlias", "kms:DeleteAlias", "kms:DescribeKey", "kms:DisableKey", "kms:DisableKeyRotation",
      "kms:EnableKey", "kms:EnableKeyRotation", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListGrants",
      "kms:ListResourceTags", "kms:PutKeyPolicy", "kms:RevokeGrant", "kms:ScheduleKeyDeletion", "kms:TagResource",
      "kms:UntagResource", "kms:UpdateAlias", "kms:UpdateKeyDescription",
    ]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }

  # Operators read dead letters, logs and state through these services, if the account's policies let them; never with the key itself.
  statement {
    sid       = "Operators"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = [for service in ["dynamodb", "lambda", "sns", "sqs"] : "${service}.${local.region}.amazonaws.com"]
    }
  }

  # DynamoDB and Lambda keep using the key for what they keep: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
  statement {
    sid       = "Grants"
    actions   = ["kms:CreateGrant"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }

    condition {
      test     = "Bool"
      variable = "kms:GrantIsForAWSResource"
      values   = ["true"]
    }
  }

  # The roles by a condition: as principals they would have to be there before the key, and they are made after what it encrypts.
  statement {
    sid       = "Roles"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:CallerAccount"
      values   = [local.account]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:PrincipalArn"
      values   = var.role_arns
    }
  }

  # What EventBridge keeps of the bus, and what it puts into encrypted queues and topics:
  # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-cmkey.html
  statement {
    sid       = "Events"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = [local.bus_arn, local.rules_arn]
    }
  }

  # Alarms go to an encrypted topic.
  statement {
    sid       = "Alarms"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = [local.alarms_arn]
    }
  }

  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
  statement {
    sid       = "Logs"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${local.region}.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = local.log_groups_arns
    }
  }
}
