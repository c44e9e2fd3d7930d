// Package naming has the names that Terraform gives to what a stage consists of. Whoever looks at a stage from outside, a
// command or a test, gets them from here; functions get theirs by their environment.
package naming

// Stage is the name of a deployment, such as "dev". Its methods make no request.
type Stage string

// Bus returns the name of the bus that carries all events.
func (s Stage) Bus() string { return "alchemiser-trading-events-" + string(s) }

// Archive returns the name of the archive that replays read from.
func (s Stage) Archive() string { return "alchemiser-event-archive-" + string(s) }

// Table returns the name of the table with claims, guards, ledger and timeline.
func (s Stage) Table() string { return "alchemiser-state-" + string(s) }

// Function returns the name of a function.
func (s Stage) Function(f Function) string { return "alchemiser-" + string(f) + "-" + string(s) }

// FunctionLog returns the log group of a function.
func (s Stage) FunctionLog(f Function) string { return "/aws/lambda/" + s.Function(f) }

// Rule returns the name of the rule that brings events to a function.
func (s Stage) Rule(f Function) string { return "alchemiser-" + f.listensTo() + "-" + string(s) }

// DeadLetters returns the name of a function's dead letter queue.
func (s Stage) DeadLetters(f Function) string {
	return "alchemiser-" + string(f) + "-dlq-" + string(s)
}

// EventDeadLetters returns the name of the dead letter queue of all targets that are not functions.
func (s Stage) EventDeadLetters() string { return "alchemiser-event-dlq-" + string(s) }

// TradesRule returns the name of the rule that sends what was traded to the topic for machines.
func (s Stage) TradesRule() string { return "alchemiser-trade-executed-" + string(s) }

// EventLog returns the log group that holds every event.
func (s Stage) EventLog() string { return "/aws/events/alchemiser-" + string(s) }

// ScheduleGroup returns the group of all schedules.
func (s Stage) ScheduleGroup() string { return "alchemiser-" + string(s) }

// Schedule returns the name of a schedule: "start-regular", "start-early-close" or "watchdog".
func (s Stage) Schedule(purpose string) string { return "alchemiser-" + purpose + "-" + string(s) }

// DigestTopic returns the name of the topic for people.
func (s Stage) DigestTopic() string { return "alchemiser-digest-" + string(s) }

// AlarmsTopic returns the name of the topic that alarms go to.
func (s Stage) AlarmsTopic() string { return "alchemiser-alarms-" + string(s) }

// TradingSwitch returns the parameter that is the kill switch.
func (s Stage) TradingSwitch() string { return "/alchemiser/" + string(s) + "/trading_enabled" }

// RulesOff returns the parameter that lists the rules which an operator has switched off, so that an apply does not switch
// them on: their names with commas between, or "none".
func (s Stage) RulesOff() string { return "/alchemiser/" + string(s) + "/rules_off" }

// LiveVersion returns the parameter that says which version of a function events go to: "latest", or the number that an
// operator has gone back to.
func (s Stage) LiveVersion(f Function) string {
	return "/alchemiser/" + string(s) + "/live/" + string(f)
}

// BrokerKeys returns the parameter with the keys of the broker.
func (s Stage) BrokerKeys() string { return "/alchemiser/" + string(s) + "/broker" }

// HostQueue returns the queue from which a process takes events that hosts the functions.
func (s Stage) HostQueue() string { return "alchemiser-run-" + string(s) }

// Dashboard returns the name of the CloudWatch dashboard.
func (s Stage) Dashboard() string { return "alchemiser-" + string(s) }

// AlarmPrefix returns what the names of all alarms begin with.
func (s Stage) AlarmPrefix() string { return "alchemiser-" + string(s) + "-" }

// Function is one of the four functions.
type Function string

// The functions.
const (
	Strategy  Function = "strategy"
	Portfolio Function = "portfolio"
	Execution Function = "execution"
	Monitor   Function = "monitor"
)

// Functions returns the functions in the order of a workflow.
func Functions() []Function { return []Function{Strategy, Portfolio, Execution, Monitor} }

func (f Function) listensTo() string {
	switch f {
	case Strategy:
		return "workflow-started"
	case Portfolio:
		return "signal-generated"
	case Execution:
		return "rebalance-planned"
	case Monitor:
		return "all-events-monitor"
	default:
		return string(f)
	}
}

// Live is the alias by which a function is invoked.
const Live = "live"
