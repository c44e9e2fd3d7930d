// Package portfolio turns target weights into a plan: the trades, sells first, that bring an account to its targets
// within its buying power, every line explained.
//
// It submits nothing and claims nothing: a plan that is made twice from the same account is the same plan.
package portfolio
