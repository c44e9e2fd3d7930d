// Package localaws is an AWS endpoint in one process: it serves the APIs that the system, its Terraform and its
// operators use, on one port of 127.0.0.1, and runs Lambda functions as real processes.
//
// It imports nothing of the rest of the project: it must fail as AWS does, not as we would like it to.
package localaws
