# What must never pass unseen of one function. Each alarm has a page in the runbook that begins where its description ends.
locals {
  alarms = var.alarms == null ? {} : {
    dead-letters = {
      means      = "Events that ${var.name} could not handle wait in its dead letter queue."
      namespace  = "AWS/SQS"
      metric     = "ApproximateNumberOfMessagesVisible"
      statistic  = "Maximum"
      threshold  = 0
      dimensions = { QueueName = aws_sqs_queue.dead_letters.name }
    }
    undelivered = {
      means      = "EventBridge could neither deliver events to ${var.name} nor put them into its dead letter queue: they are in the archive only."
      namespace  = "AWS/Events"
      metric     = "InvocationsFailedToBeSentToDlq"
      statistic  = "Sum"
      threshold  = 0
      dimensions = { EventBusName = var.bus.name, RuleName = aws_cloudwatch_event_rule.this.name }
    }
    destination-failures = {
      means      = "Lambda could not put events that ${var.name} failed on into its dead letter queue: they are in the archive only."
      namespace  = "AWS/Lambda"
      metric     = "DestinationDeliveryFailures"
      statistic  = "Sum"
      threshold  = 0
      dimensions = { FunctionName = aws_lambda_function.this.function_name }
    }
    dropped-events = {
      means      = "Lambda gave up events before ${var.name} could handle them."
      namespace  = "AWS/Lambda"
      metric     = "AsyncEventsDropped"
      statistic  = "Sum"
      threshold  = 0
      dimensions = { FunctionName = aws_lambda_function.this.function_name }
    }
    errors = {
      means      = "Attempts of ${var.name} have failed; there are three for each event."
      namespace  = "AWS/Lambda"
      metric     = "Errors"
      statistic  = "Sum"
      threshold  = 0
      dimensions = { FunctionName = aws_lambda_function.this.function_name }
    }
    throttles = {
      means      = "Lambda had no room to run ${var.name}."
      namespace  = "AWS/Lambda"
      metric     = "Throttles"
      statistic  = "Sum"
      threshold  = 0
      dimensions = { FunctionName = aws_lambda_function.this.function_name }
    }
    slow = {
      means      = "${var.name} needs more than 80 % of the time that it has."
      namespace  = "AWS/Lambda"
      metric     = "Duration"
      statistic  = "p99"
      threshold  = 800 * var.timeout_seconds
      dimensions = { FunctionName = aws_lambda_function.this.function_name }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "alchemiser-${var.stage}-${var.name}-${each.key}"
  alarm_description   = "${each.value.means} What to do: ${var.alarms.runbook}/${each.key}.md"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic == "p99" ? null : each.value.statistic
  extended_statistic  = each.value.statistic == "p99" ? "p99" : null
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  period              = 60
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarms.topic_arn] # no ok_actions: each alarm would mail once when it is made
}
