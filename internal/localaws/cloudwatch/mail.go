package cloudwatch

import (
	"fmt"
	"strings"

	"github.com/the-alchemiser/alchemiser/internal/localaws/arn"
)

// mail is what people get of a change of state, in CloudWatch's words; programs get notification.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
func (a alarm) mail() string {
	var b strings.Builder
	at := a.StateUpdatedTimestamp.UTC().Format("Monday 02 January, 2006 15:04:05 UTC")
	fmt.Fprintf(&b, "You are receiving this email because your Amazon CloudWatch Alarm %q in the %s region has entered the %s state, because %q at %q.\n",
		a.AlarmName, regionName, a.StateValue, a.StateReason, at)
	fmt.Fprintf(&b, "\nAlarm Details:\n")
	for _, line := range []struct{ name, value string }{
		{"Name", a.AlarmName},
		{"Description", a.AlarmDescription},
		{"State Change", a.Transition + " -> " + a.StateValue},
		{"Reason for State Change", a.StateReason},
		{"Timestamp", at},
		{"AWS Account", arn.Account},
		{"Alarm Arn", a.AlarmARN},
	} {
		fmt.Fprintf(&b, "- %-27s%s\n", line.name+":", line.value)
	}
	return b.String()
}
