// Command execution is the function that trades a plan.
package main

import (
	"github.com/the-alchemiser/alchemiser/functions/internal/lambdamain"
	"github.com/the-alchemiser/alchemiser/internal/functions"
)

func main() { lambdamain.Main(functions.NameExecution, functions.Execution) }
