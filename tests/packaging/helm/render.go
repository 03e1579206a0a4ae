// render [-release NAME] [-namespace NAME] [-kube VERSION] CHART [VALUES.yaml...]: what `helm template` would print of a
// chart, for machines without helm. Its functions are sprig's, as helm's are, and those that helm's documents name beside
// them; helm itself is not asked. Stricter where helm is silent: a value that is not there is an error, not nothing.
// NOTES.txt is the last document, as comments.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"gopkg.in/yaml.v3"
)

type values = map[string]interface{}

// files are those of the chart that are no templates.
type files struct{ chart string }

func (f files) Get(name string) string {
	text, err := os.ReadFile(filepath.Join(f.chart, filepath.Clean("/"+name)))
	if err != nil {
		return ""
	}
	return string(text)
}

type kubeVersion struct{ Version string }

func (k kubeVersion) String() string { return k.Version }

// decode reads YAML as helm does, by way of JSON: all numbers are floating.
func decode(text []byte, into interface{}) error {
	var tree interface{}
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return err
	}
	wire, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	return json.Unmarshal(wire, into)
}

func encode(value interface{}) (string, error) {
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	err := encoder.Encode(value)
	return strings.TrimSuffix(text.String(), "\n"), err
}

// overlay lays values over others: maps are merged, null takes away, all else replaces.
func overlay(below, above values) values {
	for key, value := range above {
		inner, isMap := value.(values)
		former, wasMap := below[key].(values)
		switch {
		case value == nil:
			delete(below, key)
		case isMap && wasMap:
			below[key] = overlay(former, inner)
		default:
			below[key] = value
		}
	}
	return below
}

func load(path string) (values, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	tree := values{}
	if err := decode(text, &tree); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return tree, nil
}

// functions are sprig's without those that helm takes out, and helm's own.
func functions(all *template.Template) template.FuncMap {
	known := sprig.TxtFuncMap()
	delete(known, "env")
	delete(known, "expandenv")
	execute := func(one *template.Template, name string, data interface{}) (string, error) {
		var text strings.Builder
		err := one.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	known["include"] = func(name string, data interface{}) (string, error) { return execute(all, name, data) }
	known["tpl"] = func(text string, data interface{}) (string, error) {
		copied, err := all.Clone()
		if err == nil {
			copied, err = copied.New("tpl").Parse(text)
		}
		if err != nil {
			return "", err
		}
		return execute(copied, "tpl", data)
	}
	known["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, errors.New(message)
		}
		return value, nil
	}
	known["toYaml"] = encode
	known["fromYaml"] = func(text string) (values, error) {
		tree := values{}
		return tree, decode([]byte(text), &tree)
	}
	known["lookup"] = func(_, _, _, _ string) values { return values{} }
	return known
}

// titled has the fields of Chart.yaml under the names that templates use.
func titled(fields values) values {
	named := values{}
	for key, value := range fields {
		named[strings.ToUpper(key[:1])+key[1:]] = value
	}
	return named
}

func parse(chart, chartName string) (*template.Template, []string, error) {
	paths, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	if err != nil {
		return nil, nil, err
	}
	all := template.New("chart").Option("missingkey=zero")
	all.Funcs(functions(all))
	var names []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		name := filepath.Join(chartName, "templates", filepath.Base(path))
		if _, err := all.New(name).Parse(string(text)); err != nil {
			return nil, nil, err
		}
		if !strings.HasPrefix(filepath.Base(path), "_") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return all, names, nil
}

func render(chart, release, namespace, kube string, overlays []string) (string, error) {
	merged, err := load(filepath.Join(chart, "values.yaml"))
	if err != nil {
		return "", err
	}
	for _, path := range overlays {
		above, err := load(path)
		if err != nil {
			return "", err
		}
		merged = overlay(merged, above)
	}
	about, err := load(filepath.Join(chart, "Chart.yaml"))
	if err != nil {
		return "", err
	}
	all, names, err := parse(chart, fmt.Sprint(about["name"]))
	if err != nil {
		return "", err
	}
	var output, notes strings.Builder
	for _, name := range names {
		var text strings.Builder
		data := values{
			"Values": merged, "Chart": titled(about), "Files": files{chart},
			"Release": values{"Name": release, "Namespace": namespace, "Service": "Helm", "IsInstall": true, "IsUpgrade": false,
				"Revision": 1},
			"Capabilities": values{"KubeVersion": kubeVersion{kube}},
			"Template":     values{"Name": name, "BasePath": filepath.Dir(name)},
		}
		if err := all.ExecuteTemplate(&text, name, data); err != nil {
			return "", err
		}
		if strings.Contains(text.String(), "<no value>") {
			return "", fmt.Errorf("%s: a value that is not there:\n%s", name, text.String())
		}
		if strings.HasSuffix(name, ".txt") {
			notes.WriteString("---\n# " + strings.ReplaceAll(strings.TrimSpace(text.String()), "\n", "\n# ") + "\n")
		} else if strings.TrimSpace(text.String()) != "" {
			fmt.Fprintf(&output, "---\n# Source: %s\n%s\n", name, strings.TrimSpace(text.String()))
		}
	}
	return output.String() + notes.String(), nil
}

func main() {
	release := flag.String("release", "heapfloor", "")
	namespace := flag.String("namespace", "heapfloor", "")
	kube := flag.String("kube", "v1.31.0", "")
	flag.Parse()
	if flag.NArg() < 1 {
		fmt.Fprintln(os.Stderr, "usage: render [-release NAME] [-namespace NAME] [-kube VERSION] CHART [VALUES.yaml...]")
		os.Exit(2)
	}
	text, err := render(flag.Arg(0), *release, *namespace, *kube, flag.Args()[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(text)
}
