output "group_name" {
  description = "Group of all schedules."
  value       = aws_scheduler_schedule_group.this.name
}

output "schedule_names" {
  description = "Names of the schedules by purpose."
  value = merge(
    { for purpose, schedule in aws_scheduler_schedule.start : purpose => schedule.name },
    { watchdog = aws_scheduler_schedule.watchdog.name },
  )
}
