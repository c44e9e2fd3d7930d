# With TF_WORKSPACE=other, as a test cannot select its workspace: `TF_WORKSPACE=other terraform test -test-directory=tests/workspace`.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  stage         = "dev"
  artifacts_dir = "./tests/fixtures"
  observability = false
}

run "refuses_a_stage_in_the_workspace_of_another" {
  command = plan

  expect_failures = [terraform_data.owner]
}

run "takes_a_stage_in_its_own" {
  command = plan

  variables {
    stage = "other"
  }

  assert {
    condition     = terraform_data.owner.input.stage == "other"
    error_message = "the state belongs to its stage"
  }
}
