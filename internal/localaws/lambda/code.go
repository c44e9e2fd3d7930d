package lambda

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
)

const (
	maxZip      = 50 << 20
	maxUnzipped = 262_144_000
)

// code keeps deployment packages as files and unpacks them into a temporary folder when they are first run. It is safe for
// concurrent use.
type code struct {
	// durable says that packages are kept when the endpoint ends.
	durable bool

	mu sync.Mutex
	// packages is the folder of the zips and dir that of the unpacked ones; a temporary one is empty until it is needed.
	packages, dir string
	unpacked      map[string]string
}

func newCode(packages string) *code {
	return &code{durable: packages != "", packages: packages, unpacked: map[string]string{}}
}

// temporary makes *dir a temporary folder if it is none yet. The caller holds mu.
func temporary(dir *string, name string) (err error) {
	if *dir == "" {
		if *dir, err = os.MkdirTemp("", name); err != nil {
			return fmt.Errorf("make a folder for code: %w", err)
		}
	}
	return nil
}

// path returns the file of the package with a key. The caller holds mu.
func (c *code) path(key string) (string, error) {
	if err := temporary(&c.packages, "alchemiser-packages-"); err != nil {
		return "", err
	}
	return filepath.Join(c.packages, key+".zip"), nil
}

// put keeps a package: it is on disk when put returns.
func (c *code) put(pkg []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	path, err := c.path(codeKey(sha256Of(pkg)))
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keep code: %w", err)
	}
	if err := writeSynced(path, pkg); err != nil {
		return fmt.Errorf("keep code: %w", err)
	}
	return nil
}

// writeSynced writes a file that is there as a whole or not at all, whatever happens.
func writeSynced(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "incoming-")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// get returns the package with a key; ok is false if there is none.
func (c *code) get(key string) (pkg []byte, ok bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read(key)
}

func (c *code) read(key string) (pkg []byte, ok bool, err error) {
	path, err := c.path(key)
	if err != nil {
		return nil, false, err
	}
	pkg, err = os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return pkg, err == nil, err
}

// sha256Of returns the CodeSha256 of a zip.
func sha256Of(pkg []byte) string {
	sum := sha256.Sum256(pkg)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// codeKey returns the key of a CodeSha256: what its file is called.
func codeKey(sha string) string {
	raw, err := base64.StdEncoding.DecodeString(sha)
	if err != nil {
		return sha
	}
	return hex.EncodeToString(raw)
}

// folder returns the folder with the unpacked code.
func (c *code) folder(sha string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if dir, ok := c.unpacked[sha]; ok {
		if _, err := os.Stat(dir); err == nil { // systems clear their temporary folders
			return dir, nil
		}
	}
	pkg, ok, err := c.read(codeKey(sha))
	if err != nil {
		return "", fmt.Errorf("unpack code: %w", err)
	}
	if !ok {
		return "", fmt.Errorf("code %s is gone", sha)
	}
	if err := temporary(&c.dir, "alchemiser-lambda-"); err != nil {
		return "", err
	}
	dir := filepath.Join(c.dir, codeKey(sha))
	if err := unpack(pkg, dir); err != nil {
		return "", errors.Join(fmt.Errorf("unpack code: %w", err), os.RemoveAll(dir))
	}
	c.unpacked[sha] = dir
	return dir, nil
}

// forget removes a package that no function has any more. What cannot be removed is removed at the next start.
func (c *code) forget(sha string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if dir, ok := c.unpacked[sha]; ok {
		_ = os.RemoveAll(dir) // whatever is left goes with the parent folder
		delete(c.unpacked, sha)
	}
	if path, err := c.path(codeKey(sha)); err == nil {
		_ = os.Remove(path)
	}
}

// keep removes the packages that are not among shas: a crash may have left some.
func (c *code) keep(shas map[string]bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.durable {
		return nil
	}
	files, err := os.ReadDir(c.packages)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	wanted := map[string]bool{}
	for sha := range shas {
		wanted[codeKey(sha)+".zip"] = true
	}
	for _, f := range files {
		if !wanted[f.Name()] {
			err = errors.Join(err, os.Remove(filepath.Join(c.packages, f.Name())))
		}
	}
	return err
}

// clear removes everything that is not durable.
func (c *code) clear() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	if !c.durable && c.packages != "" {
		errs = append(errs, os.RemoveAll(c.packages))
		c.packages = ""
	}
	if c.dir != "" {
		errs = append(errs, os.RemoveAll(c.dir))
	}
	c.dir, c.unpacked = "", map[string]string{}
	return errors.Join(errs...)
}

// CodeHandler serves deployment packages below CodePath: what GetFunction's Code.Location points to, which on AWS is a
// presigned URL of S3.
func (s *Service) CodeHandler() http.Handler {
	return http.StripPrefix(CodePath, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pkg, ok, err := s.code.get(r.URL.Path)
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		case !ok:
			http.NotFound(w, r)
		default:
			w.Header().Set("Content-Type", "application/zip")
			_, _ = w.Write(pkg) // a client that hangs up is its own business
		}
	}))
}

// CodePath is where the endpoint serves CodeHandler.
const CodePath = "/_alchemiser/lambda/code/"

// unpack writes the files of a zip below dir with the permissions that the zip gives them, as Lambda does.
func unpack(pkg []byte, dir string) error {
	z, err := zip.NewReader(bytes.NewReader(pkg), int64(len(pkg)))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir) // a name with ".." cannot leave it
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range z.File {
		if err := extract(root, f); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

func extract(root *os.Root, f *zip.File) error {
	name := filepath.Clean(filepath.FromSlash(f.Name))
	if f.FileInfo().IsDir() {
		return root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	if f.Mode()&fs.ModeSymlink != 0 {
		target, err := io.ReadAll(in)
		if err != nil {
			return err
		}
		return root.Symlink(string(target), name)
	}
	// A process started meanwhile would inherit the file, open for writing, and until it has called exec itself nobody
	// could run the file ("text file busy"): https://github.com/golang/go/issues/22315
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	out, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, f.Mode().Perm()|0o400)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in) //nolint:gosec // the size was checked when it was uploaded
	return errors.Join(err, out.Close())
}

// machines are the processors that Lambda has, by their names in its API.
var machines = map[string]struct {
	elf    elf.Machine
	goarch string
}{
	"x86_64": {elf.EM_X86_64, "amd64"},
	"arm64":  {elf.EM_AARCH64, "arm64"},
}

// checkArchitectures refuses a processor that is not this machine's: the code runs here, not on AWS.
func checkArchitectures(architectures []string) error {
	if len(architectures) > 1 {
		return validation(fmt.Sprintf("%v", architectures), "architectures",
			"Member must have length less than or equal to 1")
	}
	for _, a := range architectures {
		m, ok := machines[a]
		if !ok {
			return validation(fmt.Sprintf("%v", architectures), "architectures",
				"Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]")
		}
		if m.goarch != runtime.GOARCH {
			return invalid("The function's architecture is %s, but it would run on this machine, whose processor is %s: "+
				"set architectures to the host's and build with `make build ARCH=%[2]s`.", a, runtime.GOARCH)
		}
	}
	return nil
}

// checkCode refuses a package that cannot be unpacked or whose binary is for another processor.
func checkCode(pkg []byte, architecture string) error {
	if len(pkg) > maxZip {
		return fail(413, "RequestEntityTooLargeException", "Zip file must be smaller than %d bytes", maxZip)
	}
	z, err := zip.NewReader(bytes.NewReader(pkg), int64(len(pkg)))
	if err != nil {
		return invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	var size uint64
	for _, f := range z.File {
		if !filepath.IsLocal(filepath.FromSlash(f.Name)) {
			return invalid("Could not unzip uploaded file. The name %q leaves the folder of the function.", f.Name)
		}
		if size += f.UncompressedSize64; size > maxUnzipped {
			return invalid("Unzipped size must be smaller than %d bytes", maxUnzipped)
		}
		if f.Name == "bootstrap" {
			if err := checkBinary(f, architecture); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkBinary looks at the head of a bootstrap. One that is not an ELF file, such as a script, is taken as it is.
func checkBinary(f *zip.File, architecture string) error {
	in, err := f.Open()
	if err != nil {
		return invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	defer in.Close()
	head := make([]byte, 20)
	if _, err := io.ReadFull(in, head); err != nil || !bytes.HasPrefix(head, []byte(elf.ELFMAG)) {
		return nil
	}
	if runtime.GOOS != "linux" {
		return invalid("The bootstrap is a Linux binary, but functions run on this machine, whose system is %s.", runtime.GOOS)
	}
	// Both of Lambda's processors are little-endian: e_machine is at offset 18.
	machine := elf.Machine(uint16(head[18]) | uint16(head[19])<<8)
	if want := machines[architecture]; machine != want.elf {
		return invalid("The bootstrap is a binary for %s, but the function's architecture is %s (%s): "+
			"build it with `make build ARCH=%s`.", machine, architecture, want.elf, want.goarch)
	}
	return nil
}
