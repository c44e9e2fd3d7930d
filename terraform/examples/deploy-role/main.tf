# The role under which a GitHub workflow deploys one stage: no keys to keep, nothing but the names of this stage.

data "aws_caller_identity" "this" {}
data "aws_region" "this" {}
data "aws_partition" "this" {}

locals {
  issuer      = "token.actions.githubusercontent.com"
  environment = coalesce(var.environment, var.stage)
  here        = "${data.aws_region.this.id}:${data.aws_caller_identity.this.account_id}"
  account     = data.aws_caller_identity.this.account_id
  partition   = data.aws_partition.this.partition
  provider    = var.create_provider ? aws_iam_openid_connect_provider.github[0].arn : data.aws_iam_openid_connect_provider.github[0].arn
}

# AWS trusts GitHub's certificate authority itself: no thumbprints.
resource "aws_iam_openid_connect_provider" "github" {
  count = var.create_provider ? 1 : 0

  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_openid_connect_provider" "github" {
  count = var.create_provider ? 0 : 1

  url = "https://${local.issuer}"
}

# Who may deploy: a job of this repository in this environment. The claim is compared as a whole, so no branch, fork or pull
# request gets in that the environment's own rules keep out.
data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "GitHubEnvironment"
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [local.provider]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = ["repo:${var.repository}:environment:${local.environment}"]
    }
  }
}

# Not alchemiser-*-<stage>: the role must not be among the roles that it may change.
resource "aws_iam_role" "deploy" {
  name                 = "deploy-alchemiser-${var.stage}"
  description          = "Deploys alchemiser's stage ${var.stage} from ${var.repository}."
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 3600
}

# Managed policies, since each takes 6,144 characters.
resource "aws_iam_policy" "deploy" {
  for_each = {
    deploy-runtime = data.aws_iam_policy_document.runtime
    deploy-events  = data.aws_iam_policy_document.events
  }

  name        = "${each.key}-alchemiser-${var.stage}"
  description = "What Terraform needs to deploy alchemiser's stage ${var.stage}."
  policy      = each.value.json
}

resource "aws_iam_role_policy_attachment" "deploy" {
  for_each = aws_iam_policy.deploy

  role       = aws_iam_role.deploy.name
  policy_arn = each.value.arn
}

data "aws_iam_policy_document" "state" {
  count = var.state == null ? 0 : 1

  statement {
    sid       = "FindState"
    actions   = ["s3:ListBucket"]
    resources = ["arn:${local.partition}:s3:::${var.state.bucket}"]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.state.key}*"]
    }
  }

  statement {
    sid       = "State"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["arn:${local.partition}:s3:::${var.state.bucket}/${var.state.key}"]
  }

  statement {
    sid       = "StateLock"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    resources = ["arn:${local.partition}:s3:::${var.state.bucket}/${var.state.key}.tflock"]
  }
}

resource "aws_iam_role_policy" "state" {
  count = var.state == null ? 0 : 1

  name   = "state"
  role   = aws_iam_role.deploy.id
  policy = data.aws_iam_policy_document.state[0].json
}

resource "aws_iam_role_policy" "key" {
  count = var.customer_key ? 1 : 0

  name   = "key"
  role   = aws_iam_role.deploy.id
  policy = data.aws_iam_policy_document.key[0].json
}
