#!/usr/bin/env python3
"""The layering check catches what it is there for, and lets the allowed directions through."""

import os
import tempfile
import unittest

import layering


class LayeringTest(unittest.TestCase):
    def setUp(self):
        self.tree = tempfile.TemporaryDirectory()
        self.addCleanup(self.tree.cleanup)

    def faults(self, path, text):
        full = os.path.join(self.tree.name, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)
        return layering.faults(self.tree.name)

    def assert_refused(self, path, text, line=1):
        self.assertEqual([(f[0], f[1]) for f in self.faults(path, text)], [(path, line)])

    def assert_allowed(self, path, text):
        self.assertEqual(self.faults(path, text), [])

    def test_a_collector_that_includes_the_agent_is_refused(self):
        self.assert_refused("collectors/host_collector.cpp", '\n#include "agent/series/point.h"\n', line=2)

    def test_the_agent_may_include_collectors(self):
        self.assert_allowed("agent/series/store.cpp", '#include "collectors/sample.h"\n')

    def test_the_probe_includes_nothing_of_ours(self):
        self.assert_refused("collectors/probe/probe.cpp", '#include "collectors/result.h"\n')

    def test_the_probe_reads_its_own_process_and_no_other(self):
        self.assert_allowed("collectors/probe/own.cpp", 'auto p = "/proc/self/maps";\n')
        self.assert_refused("collectors/probe/own.cpp", 'auto p = "/proc/meminfo";\n')

    def test_the_probe_may_ask_for_the_time(self):
        self.assert_allowed("collectors/probe/own.cpp", "clock_gettime(CLOCK_BOOTTIME, &t);\n")

    def test_an_include_along_the_arrow_is_allowed(self):
        self.assert_allowed("agent/alerts/book.cpp", '#include "agent/trend/verdict.h"\n')

    def test_an_include_against_the_arrow_is_refused(self):
        self.assert_refused("agent/trend/detector.cpp", '#include "agent/alerts/leak_state.h"\n')

    def test_a_layer_that_includes_the_wiring_is_refused(self):
        self.assert_refused("agent/http/server.cpp", '#include "agent/app.h"\n')

    def test_a_pure_layer_that_logs_is_refused(self):
        self.assert_refused("agent/trend/detector.cpp", '#include "agent/log.h"\n')

    def test_the_wiring_sees_every_layer(self):
        self.assert_allowed("agent/app.cpp", '#include "agent/http/server.h"\n#include "agent/series/point.h"\n')

    def test_every_third_party_library_has_one_owner(self):
        headers = {
            "prometheus/metric_family.h": "agent/exposition/self.cpp",
            "civetweb.h": "agent/http/server.cpp",
            "yaml-cpp/yaml.h": "agent/config.cpp",
            "CLI/CLI.hpp": "agent/cli/once.cpp",
            "spdlog/spdlog.h": "agent/log.cpp",
            "nlohmann/json.hpp": "agent/exposition/json.cpp",
        }
        for header, owner in headers.items():
            with self.subTest(header=header):
                self.assert_allowed(owner, f"#include <{header}>\n")
                self.assert_refused("agent/scheduler.cpp", f"#include <{header}>\n")
                os.remove(os.path.join(self.tree.name, "agent/scheduler.cpp"))

    def test_a_kernel_path_outside_the_host_root_is_refused(self):
        self.assert_refused("collectors/host_collector.cpp", 'auto p = "/proc/meminfo";\n')

    def test_a_raw_string_with_a_kernel_path_is_refused(self):
        self.assert_refused("collectors/host_collector.cpp", 'auto p = R"(/sys/fs/cgroup)";\n')

    def test_the_host_root_may_write_kernel_paths(self):
        self.assert_allowed("collectors/host_root.cpp", 'auto p = "/proc";\n')

    def test_a_kernel_path_in_a_comment_or_in_prose_is_allowed(self):
        self.assert_allowed("agent/series/store.h", '// see "/proc/PID/statm"\nauto help = "VmRSS of /proc/PID/status";\n')

    def test_a_clock_outside_the_clock_is_refused(self):
        self.assert_refused("agent/scheduler.cpp", "auto t = std::chrono::steady_clock::now();\n")

    def test_a_system_call_for_the_time_is_refused(self):
        self.assert_refused("agent/scheduler.cpp", "clock_gettime(CLOCK_MONOTONIC, &t);\n")

    def test_the_clock_may_ask_for_the_time(self):
        self.assert_allowed("agent/clock.cpp", "auto t = std::chrono::system_clock::now();\n")

    def test_tests_are_free(self):
        self.assert_allowed("tests/trend/detector_test.cpp", '#include "agent/http/server.h"\nauto p = "/proc/1";\n')


if __name__ == "__main__":
    unittest.main()
