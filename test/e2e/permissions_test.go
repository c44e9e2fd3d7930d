package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"golang.org/x/sync/errgroup"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/workflow"
	"github.com/the-alchemiser/alchemiser/internal/report"
	"github.com/the-alchemiser/alchemiser/pkg/events"
)

// functions with the events that they handle.
var functions = map[string]struct {
	handles events.Type
	source  string
}{
	"strategy":  {events.TypeWorkflowStarted, "alchemiser.scheduler"},
	"portfolio": {events.TypeSignalGenerated, "alchemiser.strategy"},
	"execution": {events.TypeRebalancePlanned, "alchemiser.portfolio"},
	"monitor":   {events.TypeWorkflowCompleted, "alchemiser.execution"},
}

// permissions is what the endpoint tells of the roles.
type permissions struct {
	Roles []struct {
		Role       string
		Statements []struct {
			Sid         string
			Uses        int
			IdleActions []string `json:"idle_actions"`
		}
	}
	Refused []struct {
		Principal, Action, Resource, Reason string
		Count                               int
	}
}

// What the tests before this one did, and one more run, needed every action of every statement of the functions' policies, and nothing else.
func (d *deployment) testPermissionsAreUsed(t *testing.T) {
	if err := d.works(t, "used", 30*time.Second); err != nil {
		t.Fatal(err)
	}
	var got permissions
	d.control(t, "permissions", &got)
	statements := 0
	for _, r := range got.Roles {
		name := strings.TrimPrefix(r.Role[strings.LastIndexByte(r.Role, '/')+1:], "alchemiser-")
		if _, ok := functions[strings.TrimSuffix(name, "-"+stage)]; !ok {
			continue
		}
		for _, s := range r.Statements {
			statements++
			if s.Uses == 0 || len(s.IdleActions) > 0 {
				t.Errorf("%s: statement %s was used %d times, and never for %q", name, s.Sid, s.Uses, s.IdleActions)
			}
		}
	}
	if statements < 4*5 {
		t.Errorf("the functions have %d statements: the report is not whole", statements)
	}
	for _, r := range got.Refused {
		t.Errorf("%s was refused %s on %s, %d times: %s", r.Principal, r.Action, r.Resource, r.Count, r.Reason)
	}
}

// policyDocument is a policy as Terraform writes it.
type policyDocument struct {
	Version   string
	Statement []map[string]any
}

// patience is how long a run has to show that it works without a statement: more than its attempts take here.
const patience = 4 * time.Second

// Each statement of each function's policy is removed in turn: something that operators rely on must fail.
func (d *deployment) testPermissionsAreNeeded(t *testing.T) {
	client := iam.NewFromConfig(d.aws)
	for function := range functions {
		role := aws.String("alchemiser-" + function + "-" + stage)
		out, err := client.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: role, PolicyName: role})
		if err != nil {
			t.Fatal(err)
		}
		text, err := url.QueryUnescape(aws.ToString(out.PolicyDocument))
		if err != nil {
			t.Fatal(err)
		}
		put := func(document string) {
			if _, err := client.PutRolePolicy(context.WithoutCancel(t.Context()), &iam.PutRolePolicyInput{
				RoleName: role, PolicyName: role, PolicyDocument: aws.String(document),
			}); err != nil {
				t.Fatal(err)
			}
		}
		var whole policyDocument
		if err := json.Unmarshal([]byte(text), &whole); err != nil {
			t.Fatal(err)
		}
		for i, removed := range whole.Statement {
			sid := fmt.Sprint(removed["Sid"])
			t.Run(function+" without "+sid, func(t *testing.T) {
				defer put(text)
				less := policyDocument{Version: whole.Version}
				less.Statement = append(append(less.Statement, whole.Statement[:i]...), whole.Statement[i+1:]...)
				raw, err := json.Marshal(less)
				if err != nil {
					t.Fatal(err)
				}
				put(string(raw))
				before := d.refusals(t, *role)
				err = d.works(t, function+"-"+strings.ToLower(sid), patience)
				for range 2 {
					if err != nil {
						break
					}
					// Warm processes may remember what they read with it: two of them are killed.
					d.post(t, d.stack.Record.URL+"/_alchemiser/faults", `{"rules":[{"fault":"kill","function":"`+*role+`","times":2}]}`)
					err = d.works(t, function+"-"+strings.ToLower(sid), patience)
					d.post(t, d.stack.Record.URL+"/_alchemiser/faults", `{"rules":[]}`)
				}
				if err == nil {
					t.Error("everything works without it")
				} else if d.refusals(t, *role) == before {
					t.Errorf("something failed, but not for want of a permission: %v", err)
				}
			})
		}
	}
	if err := d.works(t, "whole-again", 30*time.Second); err != nil {
		t.Errorf("with all permissions again: %v", err)
	}
}

// refusals counts what a role was refused.
func (d *deployment) refusals(t *testing.T, role string) int {
	t.Helper()
	var got permissions
	d.control(t, "permissions", &got)
	n := 0
	for _, r := range got.Refused {
		if strings.HasSuffix(r.Principal, "/"+role) {
			n += r.Count
		}
	}
	return n
}

// works says whether, within patience, a run ends as it should and leaves what operators rely on: claims, logs and segments
// of every function; and whether every function puts an event that can never succeed into its dead letter queue.
func (d *deployment) works(t *testing.T, name string, patience time.Duration) error {
	t.Helper()
	d.post(t, d.stack.Record.BrokerURL+"/_control/reset", "") // else there would be nothing to trade
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	id := fmt.Sprintf("%s-%d", name, time.Now().UnixNano())
	var checks errgroup.Group
	checks.Go(func() error { return d.runWorks(ctx, id) })
	for function, f := range functions {
		checks.Go(func() error { return d.deadLetterWorks(ctx, function, f.source, f.handles, id+"-dead-"+function) })
	}
	return checks.Wait()
}

func (d *deployment) runWorks(ctx context.Context, id string) error {
	client, err := d.workflows()
	if err != nil {
		return err
	}
	err = d.tryPut(ctx, "alchemiser.scheduler", "WorkflowStarted", fmt.Sprintf(`{"event_id":%q,"event_type":"WorkflowStarted","schema_version":"1.0",
		"correlation_id":%[1]q,"causation_id":%[1]q,"timestamp":%q,"source_module":"scheduler","source_component":"test","metadata":{},
		"portfolio_id":"main-%[1]s"}`, id, time.Now().UTC().Format(time.RFC3339)))
	if err != nil {
		return err
	}
	passed, err := client.Follow(ctx, id, func(workflow.Passed) {})
	if err != nil {
		return err
	}
	byType := map[events.Type]events.Event{}
	for _, e := range passed {
		byType[e.Type()] = e.Event
	}
	if _, failed := byType[events.TypeWorkflowFailed]; failed {
		return fmt.Errorf("workflow %s has failed", id)
	}
	if _, err := client.Timeline(ctx, id, len(passed)); err != nil {
		return err
	}
	trace, err := client.Trace(ctx, id)
	if err != nil {
		return err
	}
	var errs []error
	for function, f := range functions {
		if _, ok := byType[f.handles]; !ok {
			return fmt.Errorf("workflow %s had no %s", id, f.handles)
		}
		errs = append(errs, d.claimIsDone(ctx, function, byType[f.handles]), d.logged(ctx, function, id), handled(trace, function, f.handles))
	}
	return errors.Join(errs...)
}

// claimIsDone waits for the end of a function's claim.
func (d *deployment) claimIsDone(ctx context.Context, function string, e events.Event) error {
	table := dynamodb.NewFromConfig(d.aws)
	return until(ctx, function+"'s claim of "+string(e.Type())+" is done", func() (bool, error) {
		item, err := item(ctx, table, "CLAIM#"+function+"#"+e.ID, "CLAIM")
		return err == nil && text(item["status"]) == "done", err
	})
}

// logged waits for a line of a function's log that names the workflow.
func (d *deployment) logged(ctx context.Context, function, id string) error {
	logs := cloudwatchlogs.NewFromConfig(d.aws)
	return until(ctx, function+" has logged", func() (bool, error) {
		out, err := logs.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{
			LogGroupName: aws.String("/aws/lambda/alchemiser-" + function + "-" + stage), FilterPattern: aws.String(fmt.Sprintf("%q", id)),
		})
		return err == nil && len(out.Events) > 0, err
	})
}

// handled looks for the segment that a function sends of the event that it handles.
func handled(trace report.Trace, function string, handles events.Type) error {
	var in func(s *report.Span, inside bool) bool
	in = func(s *report.Span, inside bool) bool {
		inside = inside || s.Origin == "AWS::Lambda::Function" && strings.Contains(s.Name, function)
		if inside && s.Name == string(handles) {
			return true
		}
		for _, child := range s.Children {
			if in(child, inside) {
				return true
			}
		}
		return false
	}
	for _, root := range trace.Roots {
		if in(root, false) {
			return nil
		}
	}
	return fmt.Errorf("%s has sent no segment of %s", function, handles)
}

// deadLetterWorks publishes an event that a function must give up on and waits for it in the function's dead letter queue.
func (d *deployment) deadLetterWorks(ctx context.Context, function, source string, kind events.Type, id string) error {
	err := d.tryPut(ctx, source, string(kind), fmt.Sprintf(`{"event_id":%q,"event_type":%q,"schema_version":"1.0","correlation_id":%[1]q,
		"causation_id":"c","timestamp":"2026-03-02T20:45:00Z","source_module":"m","source_component":"test","metadata":{}}`, id, kind))
	if err != nil {
		return err
	}
	client := sqs.NewFromConfig(d.aws)
	queue, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("alchemiser-" + function + "-dlq-" + stage)})
	if err != nil {
		return err
	}
	return until(ctx, function+"'s dead letter has come", func() (bool, error) {
		got, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}})
		if err != nil {
			return false, err
		}
		found := false
		for _, m := range got.Messages {
			found = found || attribute(m, "EVENT_ID") == id
			if _, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: queue.QueueUrl, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return false, err
			}
		}
		return found, nil
	})
}

// until polls until ok, an error, or the end of ctx.
func until(ctx context.Context, what string, check func() (ok bool, err error)) error {
	for {
		ok, err := check()
		if ok {
			return nil
		}
		if err == nil {
			select {
			case <-time.After(50 * time.Millisecond):
				continue
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		return fmt.Errorf("wait until %s: %w", what, err)
	}
}
