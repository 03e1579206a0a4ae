"""Which programs are recorded, how long, under which load. README.md explains the columns."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Run:
    number: int  # of the scenario in ../labels.cpp
    scenario: str
    language: str
    leaks: bool
    minutes: int = 48  # a minute is an hour of the catalogue
    limit_mib: int = 256
    load: str = "constant"  # a key of record.PROFILES
    requests_per_second: float = 50
    signal: str = "rss_anon"  # rss_anon, gc_live (marked by collections), shmem (files of the program)
    paced: bool = False  # what is lost a minute is constant in the long run
    restart_minutes: int = 0  # the program is ended and started again
    gaps: bool = False  # sampling stops at random
    percent: bool = False  # readings are rounded to a hundredth of the limit
    preload: str = ""  # a library for LD_PRELOAD
    jvm: tuple = ()  # options of the virtual machine
    variant: str = ""  # tells two runs of one program apart
    quick: bool = False  # decided within twenty minutes: what packaging/test --full records again

    @property
    def name(self):
        return f"{self.language}_{self.variant or self.scenario}"


def cpp(number, scenario, leaks, **more):
    return Run(number, scenario, "cpp", leaks, **more)


def go(number, scenario, leaks, **more):
    return Run(number, scenario, "go", leaks, **more)


def java(number, scenario, leaks, **more):
    return Run(number, scenario, "java", leaks, **more)


CPP = [
    cpp(1, "linear_native", True, paced=True),
    cpp(4, "slow_below_noise", True, paced=True),
    cpp(5, "rate_follows_load", True, minutes=60, load="sine", paced=True, limit_mib=384),
    cpp(6, "under_strong_daily_load", True, minutes=60, load="sine", paced=True, limit_mib=384),
    cpp(7, "hash_map_doubling", True),
    cpp(9, "onset_at_deploy", True, minutes=60, paced=True),
    cpp(10, "masked_by_restart", True, restart_minutes=10),
    cpp(11, "partial_free", True, paced=True),
    cpp(12, "accelerating", True, minutes=60),
    cpp(13, "sublinear", True),
    cpp(14, "business_hours", True, minutes=60, load="business", requests_per_second=60, limit_mib=384),
    cpp(15, "after_warm_up", True, minutes=56, paced=True),
    cpp(16, "with_cache_drops", True, paced=True),
    cpp(18, "linear_native", True, variant="gaps", gaps=True, paced=True),
    cpp(19, "heavy_tail_leak", True, paced=True),
    cpp(20, "fast_to_limit", True, minutes=6, limit_mib=512, paced=True, quick=True),
    cpp(23, "linear_native", True, variant="quantised_leak", percent=True, paced=True),
    cpp(24, "late_slow_onset", True, minutes=60, paced=True),
    cpp(29, "error_path_only", True, paced=True),
    cpp(30, "shared_pointer_cycles", True, paced=True),
    cpp(31, "queue_growth", True, paced=True),
    cpp(34, "shmem_leak", True, signal="shmem", paced=True),
    cpp(36, "leaking_site", True, paced=True),
    cpp(38, "flat", False),
    cpp(39, "short_memory", False),
    cpp(39, "long_memory", False, minutes=60),
    cpp(41, "warm_up_3h", False, minutes=30),
    cpp(41, "warm_up_15h", False, minutes=60),
    cpp(42, "cache_fill_to_cap", False, minutes=60),
    cpp(42, "linear_fill_to_high_cap", False, minutes=60),
    cpp(43, "load_sized", False, variant="daily_load", minutes=60, load="sine"),
    cpp(44, "load_sized", False, variant="rising_limb_only", minutes=12, load="sine", quick=True),
    cpp(45, "deploy_step", False),
    cpp(46, "config_steps", False, minutes=60),
    cpp(49, "retention_ratchet", False, minutes=60),
    cpp(49, "pinned_ratchet", False, minutes=45),
    cpp(50, "fragmentation_plateau", False),
    cpp(52, "log_rotation", False, signal="shmem"),
    cpp(53, "nightly_batch", False, minutes=60),
    cpp(55, "pool_growth", False),
    cpp(56, "warm_up_3h", False, variant="restarts_with_warm_up", restart_minutes=10),
    cpp(57, "short_memory", False, variant="quantised_flat", percent=True),
    cpp(58, "heavy_tail_flat", False),
    cpp(59, "decreasing", False, minutes=40),
    cpp(60, "lsm_memtable", False),
    cpp(61, "load_sized", False, variant="load_hump", minutes=60, load="hump"),
    cpp(66, "jemalloc_dirty_pages", False, preload="libjemalloc.so.2"),
    cpp(67, "arena_per_thread", False),
    cpp(70, "load_sized", False, variant="growing_traffic", minutes=60, load="ramp"),
]

GO = [
    go(8, "equal_stairs", True, paced=True),
    go(20, "fast_to_limit", True, minutes=6, paced=True, quick=True),
    go(21, "gc_growing_heap", True, signal="gc_live", paced=True),
    go(25, "goroutine_leak", True, paced=True),
    go(27, "cgo_allocations", True, paced=True),
    go(28, "slice_keeps_array", True, signal="gc_live", paced=True),
    go(32, "string_interning", True),
    go(37, "geometric_cache", True),
    go(38, "flat", False),
    go(40, "churn", False, variant="gc_events", signal="gc_live"),
    go(40, "churn", False, variant="gc_no_events"),
    go(41, "bounded_cache", False, variant="warm_up"),
    go(43, "load_sized", False, variant="daily_load", minutes=55, load="sine"),
    go(46, "reload", False, variant="config_steps"),
    go(48, "early_doublings", False),
    go(62, "bounded_cache", False, variant="gc_warm_up", signal="gc_live"),
    go(63, "load_sized", False, variant="gc_daily_load", minutes=60, load="sine", signal="gc_live"),
    go(65, "map_peak_then_deletes", False, signal="gc_live"),
]

# One processor, a small young generation and code cache: what fits thirty machines' worth of programs on one.
SMALL = ("-XX:ActiveProcessorCount=1", "-XX:ReservedCodeCacheSize=32m")
SERIAL = (*SMALL, "-XX:+UseSerialGC", "-Xms48m", "-Xmx256m", "-Xmn16m")
PARALLEL = (*SMALL, "-XX:+UseParallelGC", "-Xms48m", "-Xmx256m")
G1 = (*SMALL, "-XX:+UseG1GC", "-Xms48m", "-Xmx256m")

JAVA = [
    java(2, "static_list", True, variant="gc_linear_events", signal="gc_live", jvm=SERIAL, paced=True),
    java(3, "static_list", True, variant="gc_linear_no_events", jvm=G1, limit_mib=384, paced=True),
    java(17, "class_loader", True, variant="class_loader_steps", jvm=SERIAL, limit_mib=384, paced=True),
    java(22, "daily_load_and_leak", True, variant="gc_under_daily_load", minutes=60, load="sine", signal="gc_live",
         jvm=SERIAL, paced=True),
    java(26, "thread_local_in_pool", True, jvm=SERIAL, limit_mib=384, paced=True),
    java(27, "direct_buffers", True, jvm=(*SERIAL, "-XX:MaxDirectMemorySize=512m"), limit_mib=384, paced=True),
    java(32, "string_interning", True, jvm=SERIAL, limit_mib=384),
    java(33, "mutable_keys", True, signal="gc_live", jvm=G1),
    java(40, "churn", False, variant="gc_events", signal="gc_live", jvm=SERIAL),
    java(40, "churn", False, variant="gc_no_events", jvm=G1, limit_mib=384),
    java(41, "lru_cache", False, variant="warm_up", jvm=G1, limit_mib=384),
    java(43, "daily_load", False, minutes=55, load="sine", jvm=G1, limit_mib=384),
    java(47, "many_classes", False, variant="jit_log", jvm=SERIAL, limit_mib=384),
    java(54, "promoted_garbage", False, variant="long_teeth_events", signal="gc_live", jvm=(*PARALLEL, "-Xmn8m")),
    java(62, "lru_cache", False, variant="gc_warm_up", signal="gc_live", jvm=SERIAL),
    java(63, "daily_load", False, variant="gc_daily_load", minutes=60, load="sine", signal="gc_live", jvm=SERIAL),
    java(64, "soft_references", False, minutes=60, signal="gc_live", jvm=(*SERIAL, "-Xmx128m"), limit_mib=128),
    java(68, "promoted_garbage", False, variant="young_collections_only", minutes=60, signal="gc_live",
         jvm=(*G1, "-XX:InitiatingHeapOccupancyPercent=90", "-XX:-G1UseAdaptiveIHOP")),
    java(69, "drifting_amplitude", False, jvm=PARALLEL, limit_mib=384),
]

# With a limit so near that a leak is decided before the run ends.
QUICK = [
    cpp(1, "linear_native", True, variant="linear_native_near_limit", minutes=18, limit_mib=56, paced=True),
    cpp(29, "error_path_only", True, variant="error_path_near_limit", minutes=18, limit_mib=56, paced=True),
    cpp(30, "shared_pointer_cycles", True, variant="cycles_near_limit", minutes=18, limit_mib=80, paced=True),
    cpp(31, "queue_growth", True, variant="queue_near_limit", minutes=18, limit_mib=56, paced=True),
    cpp(38, "flat", False, variant="flat_near_limit", minutes=18, limit_mib=40),
    cpp(45, "deploy_step", False, variant="deploy_step_near_limit", minutes=18, limit_mib=144),
    cpp(58, "heavy_tail_flat", False, variant="heavy_tail_near_limit", minutes=18, limit_mib=160),
    go(27, "cgo_allocations", True, variant="cgo_near_limit", minutes=18, limit_mib=72, paced=True),
    go(40, "churn", False, variant="gc_near_limit", minutes=18, limit_mib=64, signal="gc_live"),
    java(2, "static_list", True, variant="gc_linear_near_limit", minutes=18, limit_mib=40, signal="gc_live",
         jvm=(*SMALL, "-XX:+UseSerialGC", "-Xmx40m", "-Xmn8m"), paced=True),
    java(40, "churn", False, variant="gc_near_limit", minutes=18, limit_mib=96, signal="gc_live",
         jvm=(*SMALL, "-XX:+UseSerialGC", "-Xmx96m", "-Xmn16m")),
]

RUNS = CPP + GO + JAVA + [dataclasses.replace(run, quick=True) for run in QUICK]


def shortened(run, minutes):
    return dataclasses.replace(run, minutes=min(run.minutes, minutes))
