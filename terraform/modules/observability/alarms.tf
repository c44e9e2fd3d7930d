# What must never pass unseen of a stage as a whole. The alarms of a function are in its module.
locals {
  alarms = {
    workflow-failed = {
      means      = "A workflow has failed for good."
      namespace  = "Alchemiser"
      metric     = "WorkflowsFailed"
      statistic  = "Sum"
      period     = 60
      periods    = 1
      missing    = "notBreaching"
      dimensions = { Stage = var.stage }
    }
    workflow-stalled = {
      means      = "A workflow has died without a word."
      namespace  = "Alchemiser"
      metric     = "WorkflowsStalled"
      statistic  = "Sum"
      period     = 60
      periods    = 1
      missing    = "notBreaching"
      dimensions = { Stage = var.stage }
    }
    # A dead man's switch: the watchdog says every five minutes that nothing is overdue, on days without trading too. Its
    # silence is as bad as its alarm.
    rebalance-overdue = {
      means      = "The exchange has closed and today's rebalance has not come to a good end; or the watchdog is silent, and nobody knows."
      namespace  = "Alchemiser"
      metric     = "RebalanceOverdue"
      statistic  = "Maximum"
      period     = 300
      periods    = 3
      missing    = "breaching"
      dimensions = { Stage = var.stage }
    }
    event-dead-letters = {
      means      = "Events that a log group or a topic did not take, or starts that came too late, wait in the dead letter queue of the bus."
      namespace  = "AWS/SQS"
      metric     = "ApproximateNumberOfMessagesVisible"
      statistic  = "Maximum"
      period     = 60
      periods    = 1
      missing    = "notBreaching"
      dimensions = { QueueName = var.dead_letters_name }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = { for name, alarm in local.alarms : name => alarm if var.enabled && (name != "rebalance-overdue" || var.watched) }

  alarm_name          = "alchemiser-${var.stage}-${each.key}"
  alarm_description   = "${each.value.means} What to do: ${var.runbook}/${each.key}.md"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = each.value.period
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms[0].arn] # no ok_actions: each alarm would mail once when it is made
}

# For people, apart from the digest: who wants to sleep subscribes to one and not to the other.
# Without a key of one's own topics are not encrypted at rest: alarms and rules may not use SNS's managed key.
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
resource "aws_sns_topic" "alarms" {
  count = var.enabled ? 1 : 0

  name              = "alchemiser-alarms-${var.stage}"
  kms_master_key_id = var.key_arn
}

resource "aws_sns_topic_subscription" "alarms" {
  count = var.enabled && var.notification_email != null ? 1 : 0

  topic_arn = aws_sns_topic.alarms[0].arn
  protocol  = "email"
  endpoint  = var.notification_email
}

resource "aws_sns_topic_policy" "alarms" {
  count = var.enabled ? 1 : 0

  arn    = aws_sns_topic.alarms[0].arn
  policy = data.aws_iam_policy_document.alarms[0].json
}

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
data "aws_iam_policy_document" "alarms" {
  count = var.enabled ? 1 : 0

  statement {
    sid       = "Alarms"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms[0].arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${data.aws_partition.this.partition}:cloudwatch:${local.suffix}:alarm:alchemiser-${var.stage}-*"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

# All traces of a stage, in the console.
resource "aws_xray_group" "this" {
  count = var.enabled ? 1 : 0

  group_name        = "alchemiser-${var.stage}"
  filter_expression = "annotation.stage = \"${var.stage}\""
}
