variable "stage" {
  description = "Stage whose bus the function listens to."
  type        = string
  nullable    = false
}

variable "zip" {
  description = "Path of the zip with `bootstrap`, as the README builds it."
  type        = string
  nullable    = false
}

variable "architecture" {
  description = "Processor that the zip was built for, as Lambda names it."
  type        = string
  default     = "arm64"
  nullable    = false
}

variable "runbook" {
  description = "Address of the folder with a page for each alarm."
  type        = string
  default     = "https://github.com/the-alchemiser/alchemiser/blob/main/docs/runbook"
  nullable    = false
}
