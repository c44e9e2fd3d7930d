#!/bin/sh
# Runs the end-to-end tests on a real AWS account and an Alpaca paper account: deploys a stage with a name of its own, runs a workflow,
# destroys. What is deployed is destroyed in any case: after a failure and after Ctrl-C too.
set -eu
cd "$(dirname "$0")/../.."

refuse() { echo "e2e-aws: $1" >&2; exit 2; }
command -v aws >/dev/null || refuse "the AWS CLI is not installed: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
command -v terraform >/dev/null || refuse "Terraform is not installed: https://developer.hashicorp.com/terraform/install"
[ -n "${ALPACA_KEY_ID:-}" ] && [ -n "${ALPACA_SECRET:-}" ] || refuse "set ALPACA_KEY_ID and ALPACA_SECRET to the keys of an Alpaca PAPER account, https://app.alpaca.markets/paper/dashboard/overview"
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}
[ -n "$region" ] || refuse "no region: set AWS_REGION"
export AWS_REGION="$region" AWS_DEFAULT_REGION="$region"
account=$(aws sts get-caller-identity --query Account --output text) || refuse "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
[ ! -e terraform/backend_override.tf ] || refuse "terraform/backend_override.tf would keep the state elsewhere: move it away"
# A stage that is in use would get these keys, and lose them again.
stage=${STAGE:-e2e-$(od -An -N4 -tx1 /dev/urandom | tr -d ' \n')}
case $stage in e2e*) ;; *) refuse "STAGE=$stage: the name must begin with e2e, as the stage is destroyed" ;; esac

cat >&2 <<TEXT
On AWS account $account in $region: deploy stage $stage, about 100 resources, run one workflow on Alpaca's paper account, destroy.
It takes about ten minutes and costs a few cents: alarms and the dashboard are billed by the hour, see docs/costs.md.
Outside the last 20 minutes of a session the workflow is skipped, which is what is then expected.
TEXT
if [ "${YES:-}" != 1 ]; then
	[ -t 0 ] || refuse "nobody can be asked here: give YES=1"
	printf 'Go on? [y/N] ' >&2
	read -r answer
	[ "$answer" = y ] || refuse "not agreed to, nothing was done"
fi

folder=$PWD/.alchemiser/$stage
export E2E_AWS=1 E2E_STAGE="$stage" TF_IN_AUTOMATION=1
export TF_VAR_account_id="$account"

destroy() {
	code=$?
	trap - EXIT INT TERM
	left=0
	if [ -s "$folder/terraform.tfstate" ]; then
		TF_DATA_DIR="$folder/terraform" terraform -chdir=terraform destroy -auto-approve -no-color -input=false \
			-var "stage=$stage" -var schedules_enabled=false >"$folder/destroy.log" 2>&1 || left=1
	fi
	aws ssm delete-parameter --name "/alchemiser/$stage/broker" >/dev/null 2>&1 || true # the tests have removed it
	if [ $left = 1 ]; then
		cat >&2 <<TEXT
Stage $stage is NOT destroyed, $folder/destroy.log says why. By hand:
  TF_DATA_DIR=$folder/terraform terraform -chdir=terraform destroy -var stage=$stage
  aws ssm delete-parameter --name /alchemiser/$stage/broker
What carries its name: aws resourcegroupstaggingapi get-resources --tag-filters Key=Stage,Values=$stage
TEXT
		exit 1
	fi
	echo "Stage $stage is destroyed." >&2
	rm -rf "$folder"
	exit $code
}
mkdir -p "$folder"
trap destroy EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
(cd test/e2e && go test -count=1 -timeout 40m -v -run '^TestStack$' .)
