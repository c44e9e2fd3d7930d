# A new version answers the smoke event before events come to it: it knows the events, may read and write what it needs, and its
# broker answers. If it fails, `live` stays where it is and the apply says why; the next apply asks again.
resource "aws_lambda_invocation" "smoke" {
  count = var.smoke ? 1 : 0

  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_function.this.version
  input         = jsonencode({ smoke = true })
  triggers      = { version = aws_lambda_function.this.version }
}

# "latest", or the version that an operator has gone back to (`alchemiser rollback`). An apply reads it and leaves `live` there.
resource "aws_ssm_parameter" "live" {
  name           = "/alchemiser/${var.stage}/live/${var.name}"
  description    = "Version of ${var.name} that events go to: latest, or a number."
  type           = "String"
  insecure_value = "latest"

  lifecycle {
    ignore_changes = [insecure_value]
  }
}

locals {
  held = aws_ssm_parameter.live.insecure_value != "latest" && !var.release
}

# A function that is held has the environment of its version as well: what changes here does not reach it.
check "follows_latest" {
  assert {
    condition     = !local.held
    error_message = "${var.name} is held at version ${aws_ssm_parameter.live.insecure_value} since a rollback and keeps that version's code and environment; `alchemiser deploy ${var.name}` lets it follow again."
  }
}

# Whatever invokes the function invokes this alias.
resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.this.function_name
  function_version = local.held ? aws_ssm_parameter.live.insecure_value : aws_lambda_function.this.version

  depends_on = [aws_lambda_invocation.smoke]
}
