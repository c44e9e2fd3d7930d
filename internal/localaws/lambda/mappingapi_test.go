package lambda_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestRoleMustReadTheQueue(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.source(t)
	for _, action := range []string{"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"} {
		forbidden := "sqs:" + action
		h.forbidden.Store(&forbidden)
		_, err := h.CreateEventSourceMapping(t.Context(), &sdk.CreateEventSourceMappingInput{FunctionName: aws.String("f"), EventSourceArn: aws.String(sourceARN)})
		refused(t, err, "InvalidParameterValueException", "The function execution role does not have permissions to call "+action+" on SQS")
	}
	h.forbidden.Store(nil)
	h.mapped(t)
	h.send(t, "one")
	h.empty(t)
}

func TestQueueMustHideLongerThanTheFunctionRuns(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.source(t)
	h.hides(t, "30")
	_, err := h.CreateEventSourceMapping(t.Context(), &sdk.CreateEventSourceMappingInput{FunctionName: aws.String("f"), EventSourceArn: aws.String(sourceARN)})
	refused(t, err, "InvalidParameterValueException", "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds")
}

func TestMappingsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := start(t, dir)
	h.create(t)
	h.source(t)
	made := h.mapped(t, func(in *sdk.CreateEventSourceMappingInput) {
		in.BatchSize, in.Tags = aws.Int32(3), map[string]string{"owner": "me"}
		in.ScalingConfig = &types.ScalingConfig{MaximumConcurrency: aws.Int32(2)}
	})
	h.stop()

	h = start(t, dir)
	got, err := h.GetEventSourceMapping(t.Context(), &sdk.GetEventSourceMappingInput{UUID: made.UUID})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(got.State) != "Enabled" || aws.ToInt32(got.BatchSize) != 3 || got.ScalingConfig == nil || !got.LastModified.Equal(*made.LastModified) {
		raw, _ := json.Marshal(got)
		t.Errorf("after the restart: %s", raw)
	}
	tags, err := h.ListTags(t.Context(), &sdk.ListTagsInput{Resource: made.EventSourceMappingArn})
	if err != nil || tags.Tags["owner"] != "me" {
		t.Errorf("tags %v, %v", tags, err)
	}
	h.send(t, "one")
	h.empty(t)
	if _, err := h.DeleteEventSourceMapping(t.Context(), &sdk.DeleteEventSourceMappingInput{UUID: made.UUID}); err != nil {
		t.Fatal(err)
	}
	_, err = h.GetEventSourceMapping(t.Context(), &sdk.GetEventSourceMappingInput{UUID: made.UUID})
	refused(t, err, "ResourceNotFoundException", "The resource you requested does not exist.")
}

func TestMappingsAreFoundByQueueAndFunction(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.live(t)
	h.source(t)
	h.mapped(t)
	h.mapped(t, func(in *sdk.CreateEventSourceMappingInput) { in.FunctionName = aws.String("f:live") })
	for name, tt := range map[string]struct {
		in   sdk.ListEventSourceMappingsInput
		want int
	}{
		"all":                {sdk.ListEventSourceMappingsInput{}, 2},
		"of the queue":       {sdk.ListEventSourceMappingsInput{EventSourceArn: aws.String(sourceARN)}, 2},
		"of another queue":   {sdk.ListEventSourceMappingsInput{EventSourceArn: aws.String(queue)}, 0},
		"of the alias":       {sdk.ListEventSourceMappingsInput{FunctionName: aws.String("f:live")}, 1},
		"of an unknown name": {sdk.ListEventSourceMappingsInput{FunctionName: aws.String("nobody")}, 0},
	} {
		out, err := h.ListEventSourceMappings(t.Context(), &tt.in)
		if err != nil || len(out.EventSourceMappings) != tt.want {
			t.Errorf("%s: %+v, %v, want %d", name, out, err, tt.want)
		}
	}
}

func TestMappingIsCheckedAsAWhole(t *testing.T) {
	t.Parallel()
	h := start(t, "")
	h.create(t)
	h.source(t)
	made := h.mapped(t)
	for name, tt := range map[string]struct {
		edit          func(*sdk.CreateEventSourceMappingInput)
		code, message string
	}{
		"a batch that is too large": {
			func(in *sdk.CreateEventSourceMappingInput) { in.BatchSize = aws.Int32(10_001) },
			"ValidationException", "Member must have value less than or equal to 10000",
		},
		"a large batch that does not wait": {
			func(in *sdk.CreateEventSourceMappingInput) { in.BatchSize = aws.Int32(11) },
			"InvalidParameterValueException", "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
		},
		"a window of a FIFO queue": {
			func(in *sdk.CreateEventSourceMappingInput) {
				in.EventSourceArn, in.MaximumBatchingWindowInSeconds = aws.String(sourceARN+".fifo"), aws.Int32(1)
			},
			"InvalidParameterValueException", "Batching window is not supported for FIFO queues",
		},
		"a concurrency of one": {
			func(in *sdk.CreateEventSourceMappingInput) {
				in.ScalingConfig = &types.ScalingConfig{MaximumConcurrency: aws.Int32(1)}
			},
			"ValidationException", "Member must have value greater than or equal to 2",
		},
		"what only streams have": {
			func(in *sdk.CreateEventSourceMappingInput) { in.MaximumRetryAttempts = aws.Int32(1) },
			"InvalidParameterValueException", "Unsupported MaximumRetryAttempts parameter for given event source mapping type.",
		},
		"a stream": {
			func(in *sdk.CreateEventSourceMappingInput) {
				in.EventSourceArn = aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/s")
			},
			"InvalidParameterValueException", "is not supported by this endpoint",
		},
		"the same queue once more": {
			func(*sdk.CreateEventSourceMappingInput) {},
			"ResourceConflictException", "already exists. Please update or delete the existing mapping with UUID " + *made.UUID,
		},
	} {
		in := &sdk.CreateEventSourceMappingInput{FunctionName: aws.String("f"), EventSourceArn: aws.String(sourceARN)}
		tt.edit(in)
		t.Run(name, func(t *testing.T) {
			_, err := h.CreateEventSourceMapping(t.Context(), in)
			refused(t, err, tt.code, tt.message)
		})
	}
	_, err := h.UpdateEventSourceMapping(t.Context(), &sdk.UpdateEventSourceMappingInput{UUID: made.UUID, BatchSize: aws.Int32(100)})
	refused(t, err, "InvalidParameterValueException", "Maximum batch window in seconds")
	_, err = h.TagResource(t.Context(), &sdk.TagResourceInput{
		Resource: aws.String("arn:aws:lambda:us-east-1:000000000000:event-source-mapping:00000000-0000-4000-8000-000000000001"),
		Tags:     map[string]string{"a": "b"},
	})
	refused(t, err, "ResourceNotFoundException", "Event source mapping not found: arn:aws:lambda:us-east-1:000000000000:event-source-mapping:")
}
