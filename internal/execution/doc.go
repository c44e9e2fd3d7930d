// Package execution trades a plan: sells, waits for their fills and for buying power, then buys. Each trade walks from
// the middle of the spread to its far side and then to the market; each order is sent at most once however often the plan
// arrives, and the report has every one with its fills and what they cost.
//
// It decides by the broker's clock, keeps what it knows of an order in a ledger before and after each step, and settles
// what it does not know by asking the broker. It does not compute targets and does not speak any broker's protocol.
package execution
