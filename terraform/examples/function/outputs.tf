output "log_group_name" {
  description = "Log group with the journal."
  value       = module.journal.log_group_name
}

output "dead_letters_url" {
  description = "Queue with the events that the journal could not take."
  value       = module.journal.dead_letters_url
}
