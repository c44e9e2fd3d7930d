// Command portfolio is the function that answers target weights with a plan.
package main

import (
	"github.com/the-alchemiser/alchemiser/functions/internal/lambdamain"
	"github.com/the-alchemiser/alchemiser/internal/functions"
)

func main() { lambdamain.Main(functions.NamePortfolio, functions.Portfolio) }
