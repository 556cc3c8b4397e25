//! Every file that deploys the engine is read, and says what must be true of it. Metric names are those of the registry.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use serde_json::Value;

use super::kit::{Folder, House, Venues};

/// The longest that a stop takes, in seconds.
const STOP: u64 = 35;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn files(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, all)
        } else {
            all.push(path)
        }
    }
}

/// Every document of a YAML file.
fn yaml(path: &str) -> Vec<Value> {
    let text = text(path);
    let documents = serde_yaml_ng::Deserializer::from_str(&text);
    documents
        .map(|one| Value::deserialize(one).unwrap_or_else(|error| panic!("{path}: {error}")))
        .collect()
}

/// The first document.
fn one(path: &str) -> Value {
    yaml(path).remove(0)
}

/// `45s` or `1m`.
fn seconds(text: &str) -> u64 {
    funding_arb::cli::duration(text).unwrap().as_secs()
}

#[test]
fn every_file_can_be_read_by_what_reads_it() {
    let mut all = Vec::new();
    files(&root().join("deploy"), &mut all);
    all.push(root().join("fly.toml"));
    let mut read = 0;
    for path in &all {
        let shown = path.strip_prefix(root()).unwrap().to_str().unwrap();
        match path.extension().and_then(|end| end.to_str()) {
            Some("yaml" | "yml") => assert!(!yaml(shown).is_empty(), "{shown}"),
            Some("json") => {
                drop(serde_json::from_str::<Value>(&text(shown)).unwrap_or_else(|error| panic!("{shown}: {error}")))
            }
            Some("toml") => drop(
                text(shown)
                    .parse::<toml::Table>()
                    .unwrap_or_else(|error| panic!("{shown}: {error}")),
            ),
            Some("service" | "example") => {
                for line in text(shown)
                    .lines()
                    .filter(|line| !line.is_empty() && !line.starts_with(['#', '[']))
                {
                    assert!(line.contains('='), "{shown}: {line}");
                }
            }
            other => panic!("{shown}: nobody reads {other:?}"),
        }
        read += 1;
    }
    assert!(read >= 14, "only {read} files");
}

#[test]
fn nothing_runs_as_root_and_every_stop_has_its_time() {
    let docker = text("Dockerfile");
    let user = docker.lines().rfind(|line| line.starts_with("USER ")).unwrap();
    assert_ne!(user, "USER root");
    assert!(
        user[5..].split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)),
        "{user}"
    );
    assert!(
        docker.lines().filter(|line| line.starts_with("FROM ")).count() >= 2,
        "the toolchain stays behind"
    );
    assert!(docker.contains("--locked") && docker.contains("STOPSIGNAL SIGTERM"));
    let fly: toml::Table = text("fly.toml").parse().unwrap();
    assert!(seconds(fly["kill_timeout"].as_str().unwrap()) > STOP);
    assert_eq!(fly["restart"][0]["policy"].as_str(), Some("always"));
    assert!(
        !fly.contains_key("http_service") && !fly.contains_key("services"),
        "nothing is public"
    );
    let region = fly["primary_region"].as_str().unwrap();
    assert!(
        ["nrt", "sin", "hkg"].contains(&region),
        "{region} may be where a venue does not serve"
    );
    let engine = &one("deploy/compose/compose.yaml")["services"]["engine"];
    assert!(seconds(engine["stop_grace_period"].as_str().unwrap()) > STOP);
    assert_eq!(engine["user"], "10001:10001");
    assert_eq!(engine["restart"], "always");
    let unit = text("deploy/systemd/funding-arb.service");
    let key = |name: &str| {
        unit.lines()
            .find_map(|line| line.strip_prefix(&format!("{name}=")))
            .unwrap_or_else(|| panic!("{name}"))
    };
    assert_eq!(
        (key("Type"), key("Restart"), key("KillSignal")),
        ("notify", "always", "SIGTERM")
    );
    assert!(key("TimeoutStopSec").parse::<u64>().unwrap() > STOP);
    // The engine's own watchdog speaks first.
    assert!(key("WatchdogSec").parse::<u64>().unwrap() > 30 + 10);
    assert_eq!(key("StartLimitIntervalSec"), "0", "it never gives up");
}

#[test]
fn what_is_published_is_published_on_loopback() {
    let compose = one("deploy/compose/compose.yaml");
    for (name, service) in compose["services"].as_object().unwrap() {
        for port in service["ports"].as_array().into_iter().flatten() {
            assert!(
                port.as_str().unwrap().starts_with("127.0.0.1:"),
                "{name} publishes {port}"
            );
        }
    }
    let raw = text("deploy/compose/compose.yaml");
    for secret in [
        "CONTROL_TOKEN",
        "READ_TOKEN",
        "BINANCE_API_SECRET",
        "BYBIT_API_SECRET",
        "POSTGRES_PASSWORD",
    ] {
        assert!(
            raw.contains(&format!("${{{secret}:?}}")),
            "{secret} has a default, or none is asked for"
        );
        assert!(
            text("deploy/compose/env.example").contains(&format!("\n{secret}=\n")),
            "{secret} is not in the example"
        );
    }
}

/// Pod templates of the cluster, each with its kind and name.
fn pods() -> Vec<(String, Value)> {
    let listed = one("deploy/kubernetes/kustomization.yaml")["resources"].clone();
    let all = listed
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|file| yaml(&format!("deploy/kubernetes/{}", file.as_str().unwrap())));
    all.filter_map(|one| {
        let spec = match one["kind"].as_str()? {
            "Deployment" => one["spec"]["template"]["spec"].clone(),
            "CronJob" => one["spec"]["jobTemplate"]["spec"]["template"]["spec"].clone(),
            _ => return None,
        };
        Some((format!("{} {}", one["kind"], one["metadata"]["name"]), spec))
    })
    .collect()
}

#[test]
fn one_executor_is_never_two_and_no_pod_can_do_more_than_it_must() {
    let executor = one("deploy/kubernetes/executor.yaml");
    assert_eq!(
        (
            executor["spec"]["replicas"].as_u64(),
            &executor["spec"]["strategy"]["type"]
        ),
        (Some(1), &"Recreate".into())
    );
    let mut all = Vec::new();
    files(&root().join("deploy/kubernetes"), &mut all);
    for path in all {
        let shown = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        for document in yaml(&shown) {
            let kind = document["kind"].as_str().unwrap();
            if kind == "HorizontalPodAutoscaler" {
                let target = &document["spec"]["scaleTargetRef"];
                assert_eq!(target["name"], "scanner", "{shown} scales something else");
                assert!(document["spec"]["minReplicas"].as_u64().unwrap() >= 2, "{shown}");
                continue;
            }
            assert!(
                !["VerticalPodAutoscaler", "ScaledObject", "Secret", "Ingress"].contains(&kind),
                "{shown}"
            );
        }
    }
    let pods = pods();
    assert_eq!(pods.len(), 3, "{pods:?}");
    for (name, pod) in &pods {
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{name}");
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        for container in pod["containers"].as_array().unwrap() {
            let context = &container["securityContext"];
            assert_eq!(context["allowPrivilegeEscalation"], false, "{name}");
            assert_eq!(context["readOnlyRootFilesystem"], true, "{name}");
            assert_eq!(context["capabilities"]["drop"][0], "ALL", "{name}");
            assert!(container["resources"]["limits"]["memory"].is_string(), "{name}");
            // What it is told to do is something that the program knows.
            let words = container["args"]
                .as_array()
                .unwrap()
                .iter()
                .map(|word| word.as_str().unwrap());
            let parsed = <funding_arb::cli::Cli as clap::Parser>::try_parse_from(words);
            assert!(parsed.is_ok(), "{name}: {:?}", parsed.err());
        }
    }
    let scanner = &one("deploy/kubernetes/scanner.yaml")["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(
        scanner["args"],
        serde_json::json!(["funding-arb", "run", "--role", "scanner"])
    );
    assert!(
        !scanner["envFrom"].to_string().contains("secretRef"),
        "a scanner has no key of a venue"
    );
    let engine = &executor["spec"]["template"]["spec"];
    assert_eq!(
        engine["containers"][0]["args"],
        serde_json::json!(["funding-arb", "run", "--role", "executor"])
    );
    assert!(engine["terminationGracePeriodSeconds"].as_u64().unwrap() > STOP);
    let container = &engine["containers"][0];
    assert_eq!(
        container["livenessProbe"]["httpGet"]["path"], "/livez",
        "a paused engine must not be killed for it"
    );
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz");
}

#[test]
fn the_way_out_of_the_cluster_is_a_list() {
    let policy = one("deploy/kubernetes/networkpolicy.yaml");
    let types = policy["spec"]["policyTypes"].as_array().unwrap();
    assert!(types.contains(&"Egress".into()) && types.contains(&"Ingress".into()));
    for rule in policy["spec"]["egress"].as_array().unwrap() {
        assert!(
            rule["ports"].as_array().is_some_and(|ports| !ports.is_empty()),
            "any port: {rule}"
        );
        for to in rule["to"].as_array().unwrap() {
            if to["ipBlock"]["cidr"] == "0.0.0.0/0" {
                let except = to["ipBlock"]["except"].to_string();
                assert!(
                    except.contains("10.0.0.0/8") && except.contains("169.254.0.0/16"),
                    "{except}"
                );
            }
        }
    }
    // By name: every host that the configuration names, and no other but the channels.
    let named = one("deploy/kubernetes/networkpolicy-fqdn.yaml").to_string();
    let page = text("docs/configuration.md");
    let hosts: BTreeSet<&str> = page
        .split(['`', '/', ':'])
        .filter(|word| {
            word.ends_with(".binance.com") || word.ends_with(".bybit.com") || word.ends_with(".telegram.org")
        })
        .collect();
    assert!(hosts.len() >= 9, "{hosts:?}");
    for host in hosts {
        assert!(named.contains(&format!("\"{host}\"")), "{host} is not let through");
    }
}

/// Words that begin as our metrics do.
fn metrics(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.split(|c| !is_name(c))
        .filter(|word| word.starts_with("funding_arb_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_metric_that_is_drawn_or_watched_is_one_that_is_told() {
    let folder = Folder::new("manifests");
    let venues = Venues::start(&folder.0);
    let mut house = House::new("manifests").at(&venues);
    let mut engine = house.start();
    engine.wait_ready(super::kit::secs(60));
    let (status, told) = super::http::ask(engine.port, "GET", "/metrics", Some(super::kit::TOKEN), None).unwrap();
    assert_eq!(status, 200);
    let told = metrics(&told);
    let written = metrics(&text("docs/metrics.md"));
    assert!(told.len() >= 20, "{told:?}");
    assert_eq!(
        told,
        written.intersection(&told).cloned().collect(),
        "a metric that docs/metrics.md does not know"
    );
    for file in ["deploy/grafana/dashboard.json", "deploy/grafana/alerts.yaml"] {
        let used = metrics(&text(file));
        assert!(used.len() >= 9, "{file}: {used:?}");
        for name in used {
            assert!(told.contains(&name), "{file} uses {name}, which is not told");
            assert!(
                written.contains(&name),
                "{file} uses {name}, which docs/metrics.md does not know"
            );
        }
    }
}
