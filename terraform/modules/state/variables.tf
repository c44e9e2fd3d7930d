variable "stage" {
  description = "Stage; part of every name."
  type        = string
  nullable    = false
}
