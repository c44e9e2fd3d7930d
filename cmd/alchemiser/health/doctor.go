package health

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/deployed"
	"github.com/the-alchemiser/alchemiser/cmd/alchemiser/rules"
	"github.com/the-alchemiser/alchemiser/internal/naming"
)

// Level is how bad a problem is.
type Level string

// The levels. A warning is what somebody may have meant to be so.
const (
	Warning Level = "warning"
	Wrong   Level = "wrong"
)

// Problem is something that is not as Terraform makes it, and how it gets so again.
type Problem struct {
	Level Level  `json:"level"`
	What  string `json:"what"`
	Fix   string `json:"fix"`
}

func wrong(fix, format string, args ...any) Problem {
	return Problem{Wrong, fmt.Sprintf(format, args...), fix}
}

func warning(fix, format string, args ...any) Problem {
	return Problem{Warning, fmt.Sprintf(format, args...), fix}
}

// apply is the fix for most.
const apply = "apply Terraform again"

// Check is one thing that was looked at. No problems means that it is well.
type Check struct {
	Name     string    `json:"name"`
	Problems []Problem `json:"problems"`
}

// Diagnosis is what is misconfigured on a stage.
type Diagnosis struct {
	Stage   string  `json:"stage"`
	Account string  `json:"account"`
	Region  string  `json:"region"`
	Checks  []Check `json:"checks"`
}

// Count returns how many problems of a level there are.
func (d Diagnosis) Count(level Level) int {
	n := 0
	for _, c := range d.Checks {
		for _, p := range c.Problems {
			if p.Level == level {
				n++
			}
		}
	}
	return n
}

// Write writes the checks with their problems and fixes.
func (d Diagnosis) Write(w io.Writer) error {
	var text strings.Builder
	for _, c := range d.Checks {
		if len(c.Problems) == 0 {
			fmt.Fprintf(&text, "ok       %s\n", c.Name)
		}
		for _, p := range c.Problems {
			fmt.Fprintf(&text, "%-8s %s: %s\n         fix: %s\n", p.Level, c.Name, p.What, p.Fix)
		}
	}
	fmt.Fprintf(&text, "%d checks: %d wrong, %d warnings.\n", len(d.Checks), d.Count(Wrong), d.Count(Warning))
	_, err := io.WriteString(w, text.String())
	return err
}

// patient is a stage with what several checks need to know of it.
type patient struct {
	*Reader
	partition string
	mode      string
	functions []deployed.Function
	rules     []rules.Rule
}

// arn returns the ARN of one of the stage's resources.
func (p *patient) arn(service, resource string) string {
	return arn.ARN{Partition: p.partition, Service: service, Region: p.cfg.Region, AccountID: p.account, Resource: resource}.String()
}

// Diagnose looks at everything that Terraform has made. It returns an error if there is no bus or no function: then there is
// nothing to look at. A check that cannot be made is a problem of its own.
func (r *Reader) Diagnose(ctx context.Context) (Diagnosis, error) {
	d := Diagnosis{Stage: string(r.stage), Account: r.account, Region: r.cfg.Region}
	p, err := r.meet(ctx)
	if err != nil {
		return d, err
	}
	checks := []struct {
		name string
		look func(context.Context) ([]Problem, error)
	}{
		{"clock", p.clock},
		{"bus name of functions", p.busName},
		{"state table", p.table},
		{"rules", p.ruleStates},
		{"targets", p.targets},
		{"permissions of rules", p.permissions},
		{"asynchronous retries", p.asynchronous},
		{"dead letter queues", p.deadLetterQueues},
		{"archive", p.archive},
		{"schedules", p.schedules},
		{"broker keys", p.brokerKeys},
		{"trading switch", p.tradingSwitch},
		{"log retention", p.logRetention},
		{"live versions", p.liveVersions},
		{"alarms", p.alarmActions},
		{"notifications", p.subscriptions},
	}
	d.Checks = make([]Check, len(checks))
	var wait sync.WaitGroup
	for i, c := range checks {
		wait.Go(func() {
			problems, err := c.look(ctx)
			if err != nil {
				problems = append(problems, wrong("see to it that you may read it", "it cannot be checked: %v", err))
			}
			d.Checks[i] = Check{Name: c.name, Problems: slices.Concat([]Problem{}, problems)}
		})
	}
	wait.Wait()
	return d, nil
}

func (r *Reader) meet(ctx context.Context) (*patient, error) {
	p := &patient{Reader: r}
	bus, err := eventbridge.NewFromConfig(r.cfg).DescribeEventBus(ctx, &eventbridge.DescribeEventBusInput{Name: aws.String(r.stage.Bus())})
	if err != nil {
		return nil, fmt.Errorf("stage %s: its bus is not there: deploy it first, or name another stage by --stage: %w", r.stage, err)
	}
	name, err := arn.Parse(aws.ToString(bus.Arn))
	if err != nil {
		return nil, fmt.Errorf("bus %s: %w", r.stage.Bus(), err)
	}
	p.partition = name.Partition
	if p.functions, err = deployed.Functions(ctx, r.cfg, r.stage); err != nil {
		return nil, err
	}
	if p.mode, err = r.mode(ctx, p.functions); err != nil {
		return nil, err
	}
	p.rules, err = rules.New(r.cfg, r.stage).List(ctx)
	return p, err
}

// each puts together what f says of every function.
func (p *patient) each(f func(naming.Function, deployed.Function) ([]Problem, error)) ([]Problem, error) {
	var all []Problem
	for _, one := range p.functions {
		problems, err := f(naming.Function(one.Name), one)
		all = append(all, problems...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}
