variable "stage" {
  description = "Stage; part of every name."
  type        = string
  nullable    = false
}

variable "archive_retention_days" {
  description = "Days that the archive keeps every event."
  type        = number
  nullable    = false
}
