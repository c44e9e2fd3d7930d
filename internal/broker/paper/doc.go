// Package paper is a broker that trades with nobody: a simulator that serves Alpaca's HTTP API, trading and market data
// on one address, so that the very client code that trades for real can be run, broken and measured on one machine.
//
// What it serves behaves as Alpaca documents it; what it does not serve is refused, never silently accepted. It has one
// cash account without margin, no fees, no short sales, the sessions of the New York Stock Exchange, and market and limit
// orders, for the day or until cancelled. Its clock stands still unless told otherwise; quotes are the last completed
// close with a fixed spread. State lives in memory.
package paper
