# What Terraform asks of AWS when it makes, reads, changes and removes a stage. The end-to-end test runs a whole deployment under
# these and fails if one is missing or one was never needed.

data "aws_iam_policy_document" "runtime" {
  statement {
    sid = "Functions"
    actions = [
      "lambda:AddPermission", "lambda:CreateAlias", "lambda:CreateFunction", "lambda:DeleteAlias", "lambda:DeleteFunction",
      "lambda:DeleteFunctionEventInvokeConfig", "lambda:GetAlias", "lambda:GetFunction", "lambda:GetFunctionCodeSigningConfig",
      "lambda:GetFunctionConfiguration", "lambda:GetFunctionEventInvokeConfig", "lambda:GetPolicy", "lambda:InvokeFunction",
      "lambda:ListVersionsByFunction", "lambda:PublishVersion", "lambda:PutFunctionEventInvokeConfig", "lambda:RemovePermission",
      "lambda:TagResource", "lambda:UpdateAlias", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration",
    ]
    resources = [
      "arn:${local.partition}:lambda:${local.here}:function:alchemiser-*-${var.stage}",
      "arn:${local.partition}:lambda:${local.here}:function:alchemiser-*-${var.stage}:*",
    ]
  }

  statement {
    sid = "Roles"
    actions = [
      "iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies",
      "iam:ListInstanceProfilesForRole", "iam:ListRolePolicies", "iam:PutRolePolicy", "iam:TagRole", "iam:UpdateAssumeRolePolicy",
    ]
    resources = ["arn:${local.partition}:iam::${local.account}:role/alchemiser-*-${var.stage}"]
  }

  statement {
    sid       = "HandRolesOver"
    actions   = ["iam:PassRole"]
    resources = ["arn:${local.partition}:iam::${local.account}:role/alchemiser-*-${var.stage}"]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["lambda.amazonaws.com", "scheduler.amazonaws.com"]
    }
  }

  statement {
    sid = "Table"
    actions = [
      "dynamodb:CreateTable", "dynamodb:DeleteTable", "dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable",
      "dynamodb:DescribeTimeToLive", "dynamodb:ListTagsOfResource", "dynamodb:TagResource", "dynamodb:UpdateContinuousBackups",
      "dynamodb:UpdateTimeToLive",
    ]
    resources = ["arn:${local.partition}:dynamodb:${local.here}:table/alchemiser-state-${var.stage}"]
  }

  # Not the broker's keys, which are /alchemiser/<stage>/broker.
  statement {
    sid = "Parameters"
    actions = [
      "ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:GetParameter", "ssm:ListTagsForResource", "ssm:PutParameter",
    ]
    resources = [
      "arn:${local.partition}:ssm:${local.here}:parameter/alchemiser/${var.stage}/live/*",
      "arn:${local.partition}:ssm:${local.here}:parameter/alchemiser/${var.stage}/rules_off",
      "arn:${local.partition}:ssm:${local.here}:parameter/alchemiser/${var.stage}/trading_enabled",
    ]
  }

  # These have no resource on AWS: https://docs.aws.amazon.com/service-authorization/latest/reference/
  statement {
    sid       = "Account"
    actions   = ["logs:DeleteResourcePolicy", "logs:DescribeResourcePolicies", "logs:PutResourcePolicy", "ssm:DescribeParameters"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "events" {
  statement {
    sid = "Bus"
    actions = [
      "events:CreateEventBus", "events:DeleteEventBus", "events:DescribeEventBus", "events:ListTagsForResource", "events:TagResource",
    ]
    resources = ["arn:${local.partition}:events:${local.here}:event-bus/alchemiser-trading-events-${var.stage}"]
  }

  statement {
    sid       = "Archive"
    actions   = ["events:CreateArchive", "events:DeleteArchive", "events:DescribeArchive", "events:UpdateArchive"]
    resources = ["arn:${local.partition}:events:${local.here}:archive/alchemiser-event-archive-${var.stage}"]
  }

  statement {
    sid = "Rules"
    actions = [
      "events:DeleteRule", "events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule", "events:PutRule",
      "events:PutTargets", "events:RemoveTargets", "events:TagResource",
    ]
    resources = ["arn:${local.partition}:events:${local.here}:rule/alchemiser-trading-events-${var.stage}/alchemiser-*-${var.stage}"]
  }

  statement {
    sid = "Queues"
    actions = [
      "sqs:CreateQueue", "sqs:DeleteQueue", "sqs:GetQueueAttributes", "sqs:ListQueueTags", "sqs:SetQueueAttributes", "sqs:TagQueue",
    ]
    resources = ["arn:${local.partition}:sqs:${local.here}:alchemiser-*-${var.stage}"]
  }

  # A subscription's ARN is its topic's and an id.
  statement {
    sid = "Topics"
    actions = [
      "sns:CreateTopic", "sns:DeleteTopic", "sns:GetSubscriptionAttributes", "sns:GetTopicAttributes", "sns:ListTagsForResource",
      "sns:SetTopicAttributes", "sns:Subscribe", "sns:TagResource", "sns:Unsubscribe",
    ]
    resources = [
      "arn:${local.partition}:sns:${local.here}:alchemiser-*-${var.stage}",
      "arn:${local.partition}:sns:${local.here}:alchemiser-*-${var.stage}:*",
    ]
  }

  statement {
    sid = "LogGroups"
    actions = [
      "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:ListTagsForResource", "logs:PutRetentionPolicy", "logs:TagResource",
    ]
    resources = flatten([
      for group in ["/aws/lambda/alchemiser-*-${var.stage}", "/aws/events/alchemiser-${var.stage}"] :
      ["arn:${local.partition}:logs:${local.here}:log-group:${group}", "arn:${local.partition}:logs:${local.here}:log-group:${group}:*"]
    ])
  }

  # Terraform finds a log group by a list of all.
  statement {
    sid       = "ListLogGroups"
    actions   = ["logs:DescribeLogGroups"]
    resources = ["arn:${local.partition}:logs:${local.here}:log-group:*"]
  }

  statement {
    sid = "ScheduleGroup"
    actions = [
      "scheduler:CreateScheduleGroup", "scheduler:DeleteScheduleGroup", "scheduler:GetScheduleGroup", "scheduler:ListTagsForResource",
      "scheduler:TagResource",
    ]
    resources = ["arn:${local.partition}:scheduler:${local.here}:schedule-group/alchemiser-${var.stage}"]
  }

  statement {
    sid       = "Schedules"
    actions   = ["scheduler:CreateSchedule", "scheduler:DeleteSchedule", "scheduler:GetSchedule", "scheduler:UpdateSchedule"]
    resources = ["arn:${local.partition}:scheduler:${local.here}:schedule/alchemiser-${var.stage}/alchemiser-*-${var.stage}"]
  }

  statement {
    sid = "Alarms"
    actions = [
      "cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource", "cloudwatch:PutMetricAlarm",
      "cloudwatch:TagResource",
    ]
    resources = ["arn:${local.partition}:cloudwatch:${local.here}:alarm:alchemiser-${var.stage}-*"]
  }

  statement {
    sid       = "Dashboard"
    actions   = ["cloudwatch:DeleteDashboards", "cloudwatch:GetDashboard", "cloudwatch:PutDashboard"]
    resources = ["arn:${local.partition}:cloudwatch::${local.account}:dashboard/alchemiser-${var.stage}"]
  }

  statement {
    sid       = "TraceGroup"
    actions   = ["xray:CreateGroup", "xray:DeleteGroup", "xray:GetGroup", "xray:ListTagsForResource", "xray:TagResource"]
    resources = ["arn:${local.partition}:xray:${local.here}:group/alchemiser-${var.stage}/*"]
  }
}

# Only for a stage with customer_key = true. A key is known by its tag, as its id is not known before.
data "aws_iam_policy_document" "key" {
  count = var.customer_key ? 1 : 0

  statement {
    sid       = "MakeKey"
    actions   = ["kms:CreateKey"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/Stage"
      values   = [var.stage]
    }
  }

  statement {
    sid = "Key"
    actions = [
      "kms:CreateAlias", "kms:DeleteAlias", "kms:EnableKeyRotation", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags",
      "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion",
    ]
    resources = ["arn:${local.partition}:kms:${local.here}:key/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/Stage"
      values   = [var.stage]
    }
  }

  # The provider looks for DynamoDB's own key as well, which has no tag.
  statement {
    sid       = "DescribeKeys"
    actions   = ["kms:DescribeKey"]
    resources = ["arn:${local.partition}:kms:${local.here}:key/*"]
  }

  # A key that is being made has no tag yet.
  statement {
    sid       = "TagKey"
    actions   = ["kms:TagResource"]
    resources = ["arn:${local.partition}:kms:${local.here}:key/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/Stage"
      values   = [var.stage]
    }
  }

  statement {
    sid       = "KeyAlias"
    actions   = ["kms:CreateAlias", "kms:DeleteAlias"]
    resources = ["arn:${local.partition}:kms:${local.here}:alias/alchemiser-${var.stage}"]
  }

  statement {
    sid       = "ListAliases"
    actions   = ["kms:ListAliases"]
    resources = ["*"]
  }
}
