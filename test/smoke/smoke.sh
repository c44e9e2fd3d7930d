#!/bin/sh
# Asks every service with the AWS CLI, version 1 or 2: `smoke.sh AWS ZIP ARCHITECTURE`. AWS_ENDPOINT_URL and credentials come from
# the environment. It stops at the first command that fails; each step prints its name first.
set -eu
aws=$1 zip=$2 architecture=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export AWS_PAGER='' AWS_DEFAULT_REGION=us-east-1 AWS_DEFAULT_OUTPUT=json

# Version 1 sends SQS to queue.amazonaws.com, whatever AWS_ENDPOINT_URL says.
run() { "$aws" --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }
step() { echo "== $1"; }
# want TEXT: standard input has it, in one line.
want() {
	cat >"$work/in"
	grep -qF -- "$1" "$work/in" || { echo "want $1 in:" && cat "$work/in" && exit 1; }
}
# until_has TEXT COMMAND...: asks until the answer has TEXT, 30 seconds at most.
until_has() {
	text=$1
	shift
	for _ in $(seq 30); do
		"$@" >"$work/out" 2>&1 || true
		if grep -qF -- "$text" "$work/out"; then return 0; fi
		sleep 1
	done
	echo "want $text in the answer to $*:" && cat "$work/out" && exit 1
}
# fails CODE COMMAND...: the command is refused with CODE.
fails() {
	code=$1
	shift
	if "$@" >"$work/out" 2>&1; then echo "want $code from $*" && exit 1; fi
	want "$code" <"$work/out"
}

step sts
run sts get-caller-identity | want '"Account": "000000000000"'

step 'iam'
trust='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
allow='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]}'
role=$(run iam create-role --role-name cli --assume-role-policy-document "$trust" --query Role.Arn --output text)
run iam put-role-policy --role-name cli --policy-name p --policy-document "$allow"
fails NoSuchEntity run iam get-role --role-name none

step ssm
run ssm put-parameter --name /cli/a --value v --type String | want '"Version": 1'
run ssm get-parameter --name /cli/a --query Parameter.Value --output text | want v
fails ParameterNotFound run ssm get-parameter --name /cli/none

step sqs
queue=$(run sqs create-queue --queue-name cli --query QueueUrl --output text)
run sqs get-queue-url --queue-name cli | want "$queue"
arn=$(run sqs get-queue-attributes --queue-url "$queue" --attribute-names QueueArn --query Attributes.QueueArn --output text)
policy='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["events.amazonaws.com","sns.amazonaws.com"]},"Action":"sqs:SendMessage","Resource":"'$arn'"}]}'
printf '{"Policy": "%s"}' "$(printf %s "$policy" | sed 's/"/\\"/g')" >"$work/attributes.json"
run sqs set-queue-attributes --queue-url "$queue" --attributes "file://$work/attributes.json"
run sqs send-message --queue-url "$queue" --message-body hello | want MessageId
run sqs receive-message --queue-url "$queue" --wait-time-seconds 2 | want '"Body": "hello"'
run sqs get-queue-attributes --queue-url "$queue" --attribute-names ApproximateNumberOfMessages | want '"ApproximateNumberOfMessages": "0"'

step events
run events test-event-pattern --event-pattern '{"source":[{"prefix":"a"}]}' \
	--event '{"id":"1","account":"0","source":"abc","time":"2026-03-02T00:00:00Z","region":"r","resources":[],"detail-type":"t","detail":{}}' | want '"Result": true'
bus=$(run events create-event-bus --name cli --query EventBusArn --output text)
run events put-rule --name cli --event-bus-name cli --event-pattern '{"source":["cli"]}' | want rule/cli/cli
run events put-targets --rule cli --event-bus-name cli --targets "Id=q,Arn=$arn" | want '"FailedEntryCount": 0'
archive=$(run events create-archive --archive-name cli --event-source-arn "$bus" --query ArchiveArn --output text)
run events put-events --entries '[{"EventBusName":"cli","Source":"cli","DetailType":"t","Detail":"{\"n\":1}"}]' | want '"FailedEntryCount": 0'
until_has '\"n\":1' run sqs receive-message --queue-url "$queue"
until_has '"EventCount": 1' run events describe-archive --archive-name cli
run events start-replay --replay-name cli --event-source-arn "$archive" --event-start-time 2020-01-01T00:00:00Z \
	--event-end-time 2100-01-01T00:00:00Z --destination "Arn=$bus" | want STARTING
until_has COMPLETED run events describe-replay --replay-name cli
until_has replay-name run sqs receive-message --queue-url "$queue"
run events disable-rule --name cli --event-bus-name cli
run events describe-rule --name cli --event-bus-name cli | want '"State": "DISABLED"'
run events enable-rule --name cli --event-bus-name cli
run events list-rules --event-bus-name cli | want '"State": "ENABLED"'

step sns
topic=$(run sns create-topic --name cli --query TopicArn --output text)
run sns subscribe --topic-arn "$topic" --protocol sqs --notification-endpoint "$arn" | want "$topic:"
run sns publish --topic-arn "$topic" --message 'by topic' | want MessageId
until_has 'by topic' run sqs receive-message --queue-url "$queue"

step dynamodb
run dynamodb create-table --table-name cli --billing-mode PAY_PER_REQUEST --key-schema AttributeName=pk,KeyType=HASH \
	--attribute-definitions AttributeName=pk,AttributeType=S | want '"TableName": "cli"'
run dynamodb wait table-exists --table-name cli
run dynamodb put-item --table-name cli --item '{"pk":{"S":"a"},"n":{"N":"1"}}'
run dynamodb update-item --table-name cli --key '{"pk":{"S":"a"}}' --update-expression 'SET n = n + :one' \
	--expression-attribute-values '{":one":{"N":"1"}}' --return-values ALL_NEW | want '"N": "2"'
run dynamodb query --table-name cli --key-condition-expression 'pk = :a' --expression-attribute-values '{":a":{"S":"a"}}' | want '"Count": 1'
fails ConditionalCheckFailedException run dynamodb put-item --table-name cli --item '{"pk":{"S":"a"}}' --condition-expression 'attribute_not_exists(pk)'

step lambda
run lambda create-function --function-name cli --runtime provided.al2023 --handler bootstrap --role "$role" \
	--architectures "$architecture" --zip-file "fileb://$zip" | want '"FunctionName": "cli"'
run lambda wait function-active-v2 --function-name cli
printf '{"by":"cli"}' >"$work/payload.json"
run lambda invoke --function-name cli --log-type Tail --payload "fileb://$work/payload.json" "$work/answer.json" | want '"StatusCode": 200'
want '{"by":"cli"}' <"$work/answer.json"
run lambda update-function-configuration --function-name cli --environment 'Variables={A=b}' | want '"A": "b"'
run lambda wait function-updated-v2 --function-name cli
run lambda publish-version --function-name cli | want '"Version": "1"'
run lambda create-alias --function-name cli --name live --function-version 1 | want :cli:live

step logs
until_has '{"by":"cli"}' run logs filter-log-events --log-group-name /aws/lambda/cli --filter-pattern got --query 'events[].message' --output text
if run --version 2>&1 | grep -q aws-cli/2; then
	# Version 2 alone has tail; it exits when timeout ends it.
	(timeout 5 "$aws" --endpoint-url "$AWS_ENDPOINT_URL" logs tail /aws/lambda/cli --since 10m --follow || true) | want '{"by":"cli"}'
fi

step cloudwatch
run cloudwatch put-metric-data --namespace Cli --metric-name m --value 3
now=$(date +%s)
until_has '"Sum": 3' run cloudwatch get-metric-statistics --namespace Cli --metric-name m --start-time "$((now - 300))" --end-time "$((now + 300))" \
	--period 3600 --statistics Sum
run cloudwatch get-metric-statistics --namespace AWS/Events --metric-name Invocations --start-time "$((now - 300))" --end-time "$((now + 300))" \
	--period 60 --statistics Sum | want '"Label": "Invocations"'
run cloudwatch put-metric-alarm --alarm-name cli --namespace Cli --metric-name m --statistic Sum --period 60 --evaluation-periods 1 \
	--threshold 100 --comparison-operator GreaterThanThreshold
run cloudwatch describe-alarms --alarm-names cli | want '"AlarmName": "cli"'

step scheduler
run scheduler create-schedule --name cli --schedule-expression 'rate(1 day)' --flexible-time-window Mode=OFF \
	--target "Arn=$arn,RoleArn=$role" | want :schedule/default/cli
run scheduler get-schedule --name cli | want '"State": "ENABLED"'
fails ValidationException run scheduler create-schedule --name bad --schedule-expression 'rate(10)' --flexible-time-window Mode=OFF --target "Arn=$arn,RoleArn=$role"

step xray
now=$(date +%s)
trace=$(printf '1-%08x-%024x' "$now" "$$")
run xray put-trace-segments --trace-segment-documents \
	'{"trace_id":"'"$trace"'","id":"0123456789abcdef","name":"cli","start_time":'"$now"',"end_time":'"$now"'}' | want UnprocessedTraceSegments
until_has "$trace" run xray get-trace-summaries --start-time "$((now - 60))" --end-time "$((now + 60))" --filter-expression 'service("cli")'
run xray batch-get-traces --trace-ids "$trace" | want '"Segments"'

echo 'all steps done'
