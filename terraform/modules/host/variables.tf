variable "stage" {
  description = "Stage; part of every name."
  type        = string
  nullable    = false
}

variable "bus" {
  description = "Name and ARN of the event bus."
  type        = object({ name = string, arn = string })
  nullable    = false
}

variable "dead_letters_arn" {
  description = "Queue for events that could not be put into the process's queue."
  type        = string
  nullable    = false
}
