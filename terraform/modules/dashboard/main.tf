data "aws_region" "this" {}

# Read from the top: did today's rebalance work, what did it do, and if not, where did it stop.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
locals {
  region    = data.aws_region.this.id
  functions = { for name in ["strategy", "portfolio", "execution", "monitor"] : name => var.functions[name] }

  custom = { for metric in [
    "RebalanceOverdue", "WorkflowsCompleted", "WorkflowsFailed", "WorkflowsStalled", "PortfolioValue", "WorkflowDuration",
    "EventsPublished", "EventsHandled", "EventsDeadLettered", "PublishDuration",
  ] : metric => ["Alchemiser", metric, "Stage", var.stage] }

  widgets = [
    {
      type = "text", x = 0, y = 0, width = 24, height = 2
      properties = {
        markdown = "# Alchemiser ${var.stage}: did today's rebalance work?\nOverdue 0 and completed 1: yes. Any red alarm has a page in the [runbook](${var.runbook}). `alchemiser --stage ${var.stage} status` says the same on a terminal."
      }
    },
    {
      type = "metric", x = 0, y = 2, width = 16, height = 4
      properties = {
        title = "Today", view = "singleValue", region = local.region, period = 86400, stat = "Sum", setPeriodToTimeRange = false
        metrics = [
          concat(local.custom.RebalanceOverdue, [{ label = "overdue", stat = "Maximum", period = 300 }]),
          concat(local.custom.WorkflowsCompleted, [{ label = "completed" }]),
          concat(local.custom.WorkflowsFailed, [{ label = "failed" }]),
          concat(local.custom.WorkflowsStalled, [{ label = "stalled" }]),
          concat(local.custom.EventsDeadLettered, [{ label = "events given up" }]),
        ]
      }
    },
    {
      type = "metric", x = 16, y = 2, width = 8, height = 4
      properties = {
        title   = "Portfolio, US dollars", view = "timeSeries", region = local.region, period = 3600, stat = "Maximum"
        metrics = [concat(local.custom.PortfolioValue, [{ label = "value after the rebalance" }])]
      }
    },
    {
      type       = "alarm", x = 0, y = 6, width = 24, height = 6
      properties = { title = "Alarms", alarms = var.alarms }
    },
    {
      type = "metric", x = 0, y = 12, width = 8, height = 6
      properties = {
        title   = "Dead letters", view = "timeSeries", region = local.region, period = 60, stat = "Maximum"
        metrics = [for label, queue in var.queues : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue, { label = label }]]
      }
    },
    {
      type = "metric", x = 8, y = 12, width = 8, height = 6
      properties = {
        title   = "Failed attempts", view = "timeSeries", region = local.region, period = 60, stat = "Sum"
        metrics = [for name, f in local.functions : ["AWS/Lambda", "Errors", "FunctionName", f.function_name, { label = name }]]
      }
    },
    {
      type = "metric", x = 16, y = 12, width = 8, height = 6
      properties = {
        title   = "Duration of attempts, p99", view = "timeSeries", region = local.region, period = 60, stat = "p99"
        metrics = [for name, f in local.functions : ["AWS/Lambda", "Duration", "FunctionName", f.function_name, { label = name }]]
      }
    },
    {
      type = "metric", x = 0, y = 18, width = 8, height = 6
      properties = {
        title = "Events", view = "timeSeries", region = local.region, period = 60, stat = "Sum"
        metrics = [
          concat(local.custom.EventsPublished, [{ label = "published" }]),
          concat(local.custom.EventsHandled, [{ label = "handled" }]),
        ]
      }
    },
    {
      type = "metric", x = 8, y = 18, width = 8, height = 6
      properties = {
        title = "Publishing and workflows, p99", view = "timeSeries", region = local.region, period = 60, stat = "p99"
        metrics = [
          concat(local.custom.PublishDuration, [{ label = "one publication" }]),
          concat(local.custom.WorkflowDuration, [{ label = "one workflow", yAxis = "right" }]),
        ]
      }
    },
    {
      type = "log", x = 16, y = 18, width = 8, height = 6
      properties = {
        title = "Last events", view = "table", region = local.region
        query = "SOURCE '${var.event_log}' | fields @timestamp, `detail-type`, detail.portfolio_id | sort @timestamp desc | limit 20"
      }
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = "alchemiser-${var.stage}"
  dashboard_body = jsonencode({ start = "-PT24H", widgets = local.widgets })
}
