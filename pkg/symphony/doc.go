// Package symphony is the strategy language: nested data in EDN syntax, the format in which Composer users export and
// share their strategies, that decides which symbols to hold with which weights.
//
// Parse reads a program, checks it whole and compiles it; Evaluate gives its weights as of a date, any number of times.
// An evaluation sees the completed daily bars up to and including that date and nothing else, so the same function
// serves live runs and backtests. All operators work on one kind of value, the weighted portfolio, in exact fractions;
// only the final weights are rounded. Errors say file, line and column; decisions are explained as reasons.
//
// The package is pure: it fetches no prices and knows no clock. An operator is one file (asset.go, if.go, …) and one
// line in operators; docs/strategies.md describes the language.
package symphony
