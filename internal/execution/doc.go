// Package execution trades a plan: sells, waits for their fills and for buying power, then buys, each order at most
// once however often the plan arrives, and reports every order with its fills.
//
// It decides by the broker's clock, keeps what it knows of an order in a ledger before and after each step, and settles
// what it does not know by asking the broker. It does not compute targets and does not speak any broker's protocol.
package execution
