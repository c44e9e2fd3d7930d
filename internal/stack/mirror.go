package stack

import (
	"fmt"
	"os"
	"path/filepath"
)

const provider = "registry.terraform.io/hashicorp/aws"

// ProviderConfig returns the path of the Terraform CLI configuration to use: the user's own if there is one, else one,
// written to folder, that points at a provider mirror on this machine, else none ("") and Terraform asks the registry.
// https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation
func ProviderConfig(folder string) (string, error) {
	if own := os.Getenv("TF_CLI_CONFIG_FILE"); own != "" {
		if _, err := os.Stat(own); err == nil {
			return own, nil
		}
	}
	mirror := findMirror()
	if mirror == "" {
		return "", nil
	}
	path := filepath.Join(folder, "terraform.rc")
	text := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path    = %q\n    include = [%q]\n  }\n  direct {\n    exclude = [%q]\n  }\n}\n", mirror, provider, provider)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("write terraform configuration: %w", err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("write terraform configuration: %w", err)
	}
	return path, nil
}

// findMirror returns a folder with the provider's packages from the usual places, or "".
func findMirror() string {
	places := []string{"/usr/share", "/usr/share/*", "/usr/share/terraform/*", "/usr/local/share", "/usr/local/share/*", "/usr/local/share/terraform/*", "/opt", "/opt/*"}
	if home, err := os.UserHomeDir(); err == nil {
		places = append([]string{filepath.Join(home, ".terraform.d", "plugins")}, places...)
	}
	for _, place := range places {
		found, err := filepath.Glob(filepath.Join(place, provider))
		if err == nil && len(found) > 0 {
			return found[0][:len(found[0])-len(provider)-1]
		}
	}
	return ""
}
