"""Asks every service of an AWS endpoint for what it is there for, with boto3.

AWS_ENDPOINT_URL and credentials come from the environment, the zip of testdata/echo is the first argument. Each function
below is one case: it makes what it needs, under names that no other case uses, and asserts on the answers. A case that fails
is printed with its traceback; the exit code is 1 if any did.
"""

import io
import json
import sys
import time
import traceback
import uuid
from datetime import datetime, timedelta, timezone

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

QUICK = Config(retries={"total_max_attempts": 1}, read_timeout=60)


def client(service):
    return boto3.client(service, region_name="us-east-1", config=QUICK)


def refused(code, call, **arguments):
    """Asserts that the call is refused with this code."""
    try:
        call(**arguments)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, f"want {code}, got {e}"
        return e.response
    raise AssertionError(f"want {code}, but the call went through")


def eventually(what, ask, seconds=30):
    """Asks until the answer is true, and returns it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {seconds} s")


def queue(name, principal=None, **attributes):
    """Makes a queue, writable for an AWS service if one is named; returns URL and ARN."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    if principal:
        allow = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return url, arn


def receive(url):
    def ask():
        return client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=2, MessageSystemAttributeNames=["All"]).get("Messages")

    return eventually(f"a message on {url}", ask)[0]


def role(name, service="lambda.amazonaws.com", *statements):
    iam = client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_role_policy(RoleName=name, PolicyName="smoke", PolicyDocument=document)
    return made["Role"]["Arn"]


def function(name, *statements):
    logs = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    with open(sys.argv[1], "rb") as f:
        code = f.read()
    made = client("lambda").create_function(
        FunctionName=name, Runtime="provided.al2023", Handler="bootstrap", Role=role(name, "lambda.amazonaws.com", logs, *statements),
        Code={"ZipFile": code}, Architectures=[sys.argv[2]], Timeout=10, Publish=True,
    )
    client("lambda").get_waiter("function_active_v2").wait(FunctionName=name)
    return made["FunctionArn"].removesuffix(":1")


def event_patterns():
    events = client("events")
    event = {"id": "1", "account": "0", "source": "shop", "time": "2026-03-02T00:00:00Z", "region": "r", "resources": [],
             "detail-type": "Sold", "detail": {"price": 12.5, "tags": ["a", "b"]}}
    for pattern, want in (
        ({"source": ["shop"]}, True),
        ({"source": [{"prefix": "sh"}], "detail": {"price": [{"numeric": [">", 12, "<=", 13]}]}}, True),
        ({"detail": {"tags": [{"anything-but": ["a", "b"]}]}}, False),
        ({"$or": [{"source": ["x"]}, {"detail-type": [{"wildcard": "S*d"}]}]}, True),
        ({"detail": {"none": [{"exists": False}]}}, True),
    ):
        got = events.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event))["Result"]
        assert got is want, f"{pattern}: {got}"
    refused("InvalidEventPatternException", events.test_event_pattern, EventPattern='{"source":[]}', Event=json.dumps(event))


def events_to_a_queue_archive_and_replay():
    events = client("events")
    bus = events.create_event_bus(Name="smoke")["EventBusArn"]
    url, arn = queue("smoke-events", "events.amazonaws.com")
    rule = events.put_rule(Name="all", EventBusName="smoke", EventPattern='{"source":["smoke"]}')["RuleArn"]
    target = {"Id": "q", "Arn": arn, "InputTransformer": {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": '{"n": <n>}'}}
    assert events.put_targets(Rule="all", EventBusName="smoke", Targets=[target])["FailedEntryCount"] == 0
    archive = events.create_archive(ArchiveName="smoke", EventSourceArn=bus)["ArchiveArn"]
    start = datetime.now(timezone.utc) - timedelta(minutes=1)
    sent = events.put_events(Entries=[
        {"EventBusName": "smoke", "Source": "smoke", "DetailType": "T", "Detail": '{"n": 7}'},
        {"EventBusName": "smoke", "Source": "smoke", "DetailType": "T", "Detail": "[]"},
    ])
    assert sent["FailedEntryCount"] == 1 and sent["Entries"][1]["ErrorCode"] == "MalformedDetail", sent
    message = receive(url)
    assert json.loads(message["Body"]) == {"n": 7}, message
    client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    eventually("the archive has the event", lambda: events.describe_archive(ArchiveName="smoke")["EventCount"] == 1)
    events.start_replay(ReplayName="again", EventSourceArn=archive, EventStartTime=start,
                        EventEndTime=datetime.now(timezone.utc) + timedelta(minutes=1), Destination={"Arn": bus, "FilterArns": [rule]})
    assert json.loads(receive(url)["Body"]) == {"n": 7}
    eventually("the replay ends", lambda: events.describe_replay(ReplayName="again")["State"] == "COMPLETED")
    events.disable_rule(Name="all", EventBusName="smoke")
    assert events.describe_rule(Name="all", EventBusName="smoke")["State"] == "DISABLED"
    refused("ValidationException", events.delete_rule, Name="all", EventBusName="smoke")


def queues():
    sqs = client("sqs")
    dead, dead_arn = queue("smoke-dead")
    url, _ = queue("smoke", RedrivePolicy=json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1}), VisibilityTimeout="0")
    batch = sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "one"}, {"Id": "b", "MessageBody": ""}])
    assert [x["Id"] for x in batch["Successful"]] == ["a"] and [x["Id"] for x in batch["Failed"]] == ["b"], batch
    assert receive(url)["Body"] == "one"
    assert not sqs.receive_message(QueueUrl=url).get("Messages")
    assert receive(dead)["Body"] == "one"
    refused("AWS.SimpleQueueService.NonExistentQueue", sqs.get_queue_url, QueueName="none")


def fifo_queues():
    sqs = client("sqs")
    url, _ = queue("smoke.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    for body in ("1", "1", "2"):
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g")
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [m["Body"] for m in got] == ["1", "2"], got


def topics():
    sns = client("sns")
    topic = sns.create_topic(Name="smoke")["TopicArn"]
    url, arn = queue("smoke-topic", "sns.amazonaws.com")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="hello", Subject="s")
    body = json.loads(receive(url)["Body"])
    assert (body["Message"], body["Subject"], body["TopicArn"]) == ("hello", "s", topic), body
    assert len(sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]) == 1
    refused("NotFound", sns.publish, TopicArn=topic + "-none", Message="x")


def tables():
    db = client("dynamodb")
    key = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    types = [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"}]
    db.create_table(TableName="smoke", KeySchema=key, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST")
    db.get_waiter("table_exists").wait(TableName="smoke")
    table = boto3.resource("dynamodb", region_name="us-east-1", config=QUICK).Table("smoke")
    with table.batch_writer() as batch:
        for n in range(30):
            batch.put_item(Item={"pk": "p", "sk": n, "words": {"a", "b"}, "deep": {"list": [n]}})
    page = db.query(TableName="smoke", KeyConditionExpression="pk = :p AND sk BETWEEN :a AND :b", Limit=4, ScanIndexForward=False,
                    ExpressionAttributeValues={":p": {"S": "p"}, ":a": {"N": "3"}, ":b": {"N": "20"}})
    assert [i["sk"]["N"] for i in page["Items"]] == ["20", "19", "18", "17"] and page["LastEvaluatedKey"]["sk"]["N"] == "17", page
    new = table.update_item(Key={"pk": "p", "sk": 1}, UpdateExpression="SET deep.#l[1] = if_not_exists(x, :n) ADD hits :n",
                            ConditionExpression="attribute_exists(pk) AND contains(words, :w)", ReturnValues="ALL_NEW",
                            ExpressionAttributeNames={"#l": "list"}, ExpressionAttributeValues={":n": 5, ":w": "a"})["Attributes"]
    assert new["deep"]["list"] == [1, 5] and new["hits"] == 5, new
    old = refused("ConditionalCheckFailedException", db.put_item, TableName="smoke", Item={"pk": {"S": "p"}, "sk": {"N": "1"}},
                  ConditionExpression="attribute_not_exists(pk)", ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert old["Item"]["hits"]["N"] == "5", old
    put = {"Put": {"TableName": "smoke", "Item": {"pk": {"S": "t"}, "sk": {"N": "1"}}}}
    check = {"ConditionCheck": {"TableName": "smoke", "Key": {"pk": {"S": "none"}, "sk": {"N": "1"}}, "ConditionExpression": "attribute_exists(pk)"}}
    cancelled = refused("TransactionCanceledException", db.transact_write_items, TransactItems=[put, check])
    assert [r["Code"] for r in cancelled["CancellationReasons"]] == ["None", "ConditionalCheckFailed"], cancelled
    assert "Item" not in db.get_item(TableName="smoke", Key=put["Put"]["Item"])


def indexes():
    db = client("dynamodb")
    types = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "owner")]
    by_owner = {"IndexName": "by-owner", "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}], "Projection": {"ProjectionType": "KEYS_ONLY"}}
    db.create_table(TableName="indexed", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}], AttributeDefinitions=types[:1],
                    BillingMode="PAY_PER_REQUEST")
    db.get_waiter("table_exists").wait(TableName="indexed")
    for n in range(5):
        db.put_item(TableName="indexed", Item={"pk": {"S": str(n)}, "owner": {"S": "ab"[n % 2]}, "note": {"S": "n"}})
    db.update_table(TableName="indexed", AttributeDefinitions=types, GlobalSecondaryIndexUpdates=[{"Create": by_owner}])
    pages = db.get_paginator("query").paginate(
        TableName="indexed", IndexName="by-owner", KeyConditionExpression="#o = :a", ExpressionAttributeNames={"#o": "owner"},
        ExpressionAttributeValues={":a": {"S": "a"}}, ReturnConsumedCapacity="INDEXES", PaginationConfig={"PageSize": 2})
    items = [i for page in pages for i in page["Items"]]
    assert items == [{"pk": {"S": n}, "owner": {"S": "a"}} for n in "024"], items
    refused("ValidationException", db.scan, TableName="indexed", IndexName="none")
    db.update_table(TableName="indexed", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-owner"}}])
    assert "GlobalSecondaryIndexes" not in db.describe_table(TableName="indexed")["Table"]


def functions():
    fn = client("lambda")
    function("smoke")
    answer = fn.invoke(FunctionName="smoke", Payload=b'{"n":1}', LogType="Tail")
    assert answer["StatusCode"] == 200 and json.load(answer["Payload"]) == {"n": 1} and "LogResult" in answer, answer
    failed = fn.invoke(FunctionName="smoke", Payload=b'{"fail":"as told"}')
    assert failed["FunctionError"] == "Unhandled" and json.load(failed["Payload"])["errorMessage"] == "as told"
    assert fn.create_alias(FunctionName="smoke", Name="live", FunctionVersion="1")["AliasArn"].endswith(":smoke:live")
    assert fn.invoke(FunctionName="smoke:live", InvocationType="Event", Payload=b"{}")["StatusCode"] == 202
    assert fn.invoke(FunctionName="smoke", InvocationType="DryRun")["StatusCode"] == 204
    fn.update_function_configuration(FunctionName="smoke", Environment={"Variables": {"A": "b"}})
    assert fn.get_function_configuration(FunctionName="smoke")["Environment"]["Variables"] == {"A": "b"}
    refused("ResourceNotFoundException", fn.invoke, FunctionName="none")
    found = lambda: client("logs").filter_log_events(logGroupName="/aws/lambda/smoke", filterPattern='"got"')["events"]
    eventually("the function's lines", found)


def queue_to_function():
    fn = client("lambda")
    url, arn = queue("smoke-mapping", VisibilityTimeout="60")
    allow = {"Effect": "Allow", "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], "Resource": arn}
    function("smoke-mapped", allow)
    mapping = fn.create_event_source_mapping(FunctionName="smoke-mapped", EventSourceArn=arn, BatchSize=2)
    client("sqs").send_message(QueueUrl=url, MessageBody="by mapping")
    found = lambda: client("logs").filter_log_events(logGroupName="/aws/lambda/smoke-mapped", filterPattern='"by mapping"')["events"]
    eventually("the function gets the message", lambda: exists("/aws/lambda/smoke-mapped") and found())
    fn.delete_event_source_mapping(UUID=mapping["UUID"])


def exists(group):
    return client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]


def log_groups():
    logs = client("logs")
    logs.create_log_group(logGroupName="smoke")
    logs.put_retention_policy(logGroupName="smoke", retentionInDays=7)
    assert exists("smoke")[0]["retentionInDays"] == 7
    logs.create_log_stream(logGroupName="smoke", logStreamName="s")
    now = int(time.time() * 1000)
    lines = ['{"level":"error","n":5}', '{"level":"info","n":1}', "ERROR in words"]
    logs.put_log_events(logGroupName="smoke", logStreamName="s", logEvents=[{"timestamp": now, "message": m} for m in lines])
    for pattern, want in (('{ $.level = "error" && $.n > 4 }', lines[:1]), ("ERROR -info", lines[2:]), ("", lines)):
        got = [e["message"] for e in logs.filter_log_events(logGroupName="smoke", filterPattern=pattern)["events"]]
        assert got == want, f"{pattern}: {got}"
    refused("ResourceAlreadyExistsException", logs.create_log_group, logGroupName="smoke")


def metrics_and_alarms():
    cw = client("cloudwatch")
    cw.put_metric_data(Namespace="Smoke", MetricData=[{"MetricName": "m", "Value": v, "Unit": "Count"} for v in (1, 5)])
    span = {"StartTime": datetime.now(timezone.utc) - timedelta(minutes=5), "EndTime": datetime.now(timezone.utc) + timedelta(minutes=5)}
    points = lambda: cw.get_metric_statistics(Namespace="Smoke", MetricName="m", Period=3600, Statistics=["Sum", "Maximum"], **span)["Datapoints"]
    got = eventually("the metric has values", points)
    assert sum(p["Sum"] for p in got) == 6 and max(p["Maximum"] for p in got) == 5, got
    assert [m["MetricName"] for m in cw.list_metrics(Namespace="Smoke")["Metrics"]] == ["m"]
    cw.put_metric_alarm(AlarmName="smoke", Namespace="Smoke", MetricName="m", Statistic="Sum", Period=60, EvaluationPeriods=1,
                        Threshold=100, ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching")
    cw.set_alarm_state(AlarmName="smoke", StateValue="ALARM", StateReason="smoke")
    assert cw.describe_alarms(AlarmNames=["smoke"])["MetricAlarms"][0]["AlarmName"] == "smoke"
    assert cw.describe_alarm_history(AlarmName="smoke")["AlarmHistoryItems"]
    cw.put_dashboard(DashboardName="smoke", DashboardBody='{"widgets":[]}')
    assert json.loads(cw.get_dashboard(DashboardName="smoke")["DashboardBody"]) == {"widgets": []}
    cw.delete_alarms(AlarmNames=["smoke"])


def schedules():
    scheduler = client("scheduler")
    url, arn = queue("smoke-schedule")
    send = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}
    target = {"Arn": arn, "RoleArn": role("smoke-schedule", "scheduler.amazonaws.com", send), "Input": "now"}
    scheduler.create_schedule(Name="once", ScheduleExpression="at(2020-01-01T00:00:00)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target)
    soon = (datetime.now(timezone.utc) + timedelta(seconds=2)).strftime("at(%Y-%m-%dT%H:%M:%S)")
    scheduler.create_schedule(Name="soon", ScheduleExpression=soon, FlexibleTimeWindow={"Mode": "OFF"}, Target=target)
    assert receive(url)["Body"] == "now"
    daily = scheduler.create_schedule(Name="daily", ScheduleExpression="cron(45 15 ? * MON-FRI *)", Target=target,
                                      ScheduleExpressionTimezone="America/New_York", FlexibleTimeWindow={"Mode": "OFF"})
    assert daily["ScheduleArn"].endswith(":schedule/default/daily")
    refused("ValidationException", scheduler.create_schedule, Name="bad", ScheduleExpression="rate(10)", Target=target,
            FlexibleTimeWindow={"Mode": "OFF"})
    refused("ConflictException", scheduler.create_schedule, Name="daily", ScheduleExpression="rate(1 day)", Target=target,
            FlexibleTimeWindow={"Mode": "OFF"})


def traces():
    xray = client("xray")
    now = time.time()
    trace = f"1-{int(now):08x}-{uuid.uuid4().hex[:24]}"
    segment = {"trace_id": trace, "id": uuid.uuid4().hex[:16], "name": "smoke", "start_time": now - 1, "end_time": now, "annotations": {"who": "smoke"}}
    assert not xray.put_trace_segments(TraceSegmentDocuments=[json.dumps(segment)])["UnprocessedTraceSegments"]
    span = {"StartTime": datetime.now(timezone.utc) - timedelta(minutes=5), "EndTime": datetime.now(timezone.utc) + timedelta(minutes=1)}
    ask = lambda: xray.get_trace_summaries(FilterExpression='annotation.who = "smoke"', **span)["TraceSummaries"]
    assert [s["Id"] for s in eventually("the trace is found", ask)] == [trace]
    assert xray.batch_get_traces(TraceIds=[trace])["Traces"][0]["Segments"]


def roles_and_identity():
    sts = client("sts")
    arn = role("smoke-role", "lambda.amazonaws.com", {"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"})
    assert sts.get_caller_identity()["Account"] in arn
    assert client("iam").get_role_policy(RoleName="smoke-role", PolicyName="smoke")["PolicyDocument"]["Statement"]
    refused("NoSuchEntity", client("iam").get_role, RoleName="none")
    refused("DeleteConflict", client("iam").delete_role, RoleName="smoke-role")
    refused("MalformedPolicyDocument", client("iam").put_role_policy, RoleName="smoke-role", PolicyName="x", PolicyDocument="{")


def parameters():
    ssm = client("ssm")
    ssm.put_parameter(Name="/smoke/a", Value="1", Type="SecureString")
    assert ssm.put_parameter(Name="/smoke/a", Value="2", Type="SecureString", Overwrite=True)["Version"] == 2
    assert ssm.get_parameter(Name="/smoke/a", WithDecryption=True)["Parameter"]["Value"] == "2"
    assert [p["Name"] for p in ssm.get_parameters_by_path(Path="/smoke")["Parameters"]] == ["/smoke/a"]
    refused("ParameterNotFound", ssm.get_parameter, Name="/smoke/none")


CASES = [
    event_patterns, events_to_a_queue_archive_and_replay, queues, fifo_queues, topics, tables, indexes, functions, queue_to_function,
    log_groups, metrics_and_alarms, schedules, traces, roles_and_identity, parameters,
]


# What the endpoint may still refuse as not implemented, in so many words (docs/local-endpoint.md).
GAPS = [fifo_queues]


def is_gap(case, error):
    """Whether the endpoint has said that it does not do this, where it may say so."""
    return case in GAPS and isinstance(error, ClientError) and "by this endpoint" in str(error)


def main():
    failed = 0
    for case in CASES:
        try:
            case()
            print("ok  ", case.__name__, flush=True)
        except Exception as e:
            if is_gap(case, e):
                print("SKIPPED", case.__name__, e, flush=True)
                continue
            failed += 1
            out = io.StringIO()
            traceback.print_exc(file=out)
            print("FAIL", case.__name__, out.getvalue(), sep="\n", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
