import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.lang.ref.SoftReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** The scenarios by name. */
final class Scenarios {
  private static final int KIB = Workload.KIB;
  private static final int MIB = Workload.MIB;

  private Scenarios() {}

  static Workload.Scenario make(String name, Workload.Setting setting) {
    return switch (name) {
      case "static_list" -> new StaticList(setting);
      case "class_loader" -> new ClassLoaderLeak(setting);
      case "daily_load_and_leak" -> new LoadSized(setting, true);
      case "thread_local_in_pool" -> new ThreadLocalInPool(setting);
      case "direct_buffers" -> new DirectBuffers(setting);
      case "string_interning" -> new StringInterning(setting);
      case "mutable_keys" -> new MutableKeys(setting);
      case "churn" -> new Churn(setting);
      case "many_classes" -> new ManyClasses();
      case "promoted_garbage" -> new PromotedGarbage(setting);
      case "lru_cache" -> new LruCache(setting);
      case "daily_load" -> new LoadSized(setting, false);
      case "soft_references" -> new SoftReferences(setting);
      case "drifting_amplitude" -> new DriftingAmplitude(setting);
      default -> throw new IllegalArgumentException("no scenario " + name);
    };
  }

  /** 2, 3: a list that is only added to. */
  private static final class StaticList extends Workload.Scenario {
    private static final List<byte[]> KEPT = new ArrayList<>();
    private final Workload.Setting setting;

    StaticList(Workload.Setting setting) {
      this.setting = setting;
      setting.onset();
    }

    @Override
    void request() {
      if (setting.random.nextInt(10) == 0) {
        KEPT.add(new byte[4 * KIB]);
        setting.leaked(4 * KIB);
      }
    }
  }

  /** 17: class loaders of old deploys are kept. */
  private static final class ClassLoaderLeak extends Workload.Scenario {
    private static final List<ClassLoader> DEPLOYED = new ArrayList<>();
    private final Workload.Setting setting;
    private double nextSeconds = 60;

    ClassLoaderLeak(Workload.Setting setting) {
      this.setting = setting;
    }

    @Override
    void tick(double seconds) {
      if (seconds < nextSeconds) {
        return;
      }
      nextSeconds += setting.uniform(30, 90);
      try {
        URL place = Scenarios.class.getProtectionDomain().getCodeSource().getLocation();
        URLClassLoader loader = new URLClassLoader(new URL[] {place}, ClassLoader.getPlatformClassLoader());
        Object size = loader.loadClass("Plugin").getMethod("size").invoke(null);
        setting.onset();
        setting.leaked((Integer) size);
        DEPLOYED.add(loader);
      } catch (ReflectiveOperationException error) {
        throw new IllegalStateException(error);
      }
    }
  }

  /** 22, 63: memory in proportion to the load, with or without a leak. */
  private static final class LoadSized extends Workload.Scenario {
    private final Workload.Setting setting;
    private final boolean leaks;
    private final ArrayDeque<byte[]> buffers = new ArrayDeque<>();
    private final List<byte[]> kept = new ArrayList<>();
    private int requests;
    private double rate;

    LoadSized(Workload.Setting setting, boolean leaks) {
      this.setting = setting;
      this.leaks = leaks;
      if (leaks) {
        setting.onset();
      }
    }

    @Override
    void request() {
      ++requests;
      if (leaks) {
        kept.add(new byte[512]);
        setting.leaked(512);
      }
    }

    @Override
    void tick(double seconds) {
      rate += 0.01 * (requests * 10 - rate);
      requests = 0;
      int wanted = (int) (rate * 8);
      while (buffers.size() < wanted) {
        buffers.addLast(new byte[64 * KIB]);
      }
      while (buffers.size() > wanted) {
        buffers.removeFirst();
      }
    }
  }

  /** 26: threads of a growing pool each keep their context. */
  private static final class ThreadLocalInPool extends Workload.Scenario {
    private static final ThreadLocal<byte[]> CONTEXT = new ThreadLocal<>();
    private final Workload.Setting setting;
    private double nextSeconds = 60;

    ThreadLocalInPool(Workload.Setting setting) {
      this.setting = setting;
    }

    @Override
    void tick(double seconds) {
      if (seconds < nextSeconds) {
        return;
      }
      nextSeconds += setting.uniform(60, 180);
      setting.onset();
      setting.leaked(3 * MIB);
      Thread worker =
          new Thread(
              () -> {
                CONTEXT.set(new byte[3 * MIB]);
                try {
                  new CountDownLatch(1).await();
                } catch (InterruptedException ended) {
                  Thread.currentThread().interrupt();
                }
              });
      worker.setDaemon(true);
      worker.start();
    }
  }

  /** 27: memory outside the heap. */
  private static final class DirectBuffers extends Workload.Scenario {
    private final Workload.Setting setting;
    private final List<ByteBuffer> kept = new ArrayList<>();
    private double nextSeconds = 3;

    DirectBuffers(Workload.Setting setting) {
      this.setting = setting;
      setting.onset();
    }

    @Override
    void tick(double seconds) {
      if (seconds >= nextSeconds) {
        nextSeconds += setting.uniform(1, 5);
        kept.add(ByteBuffer.allocateDirect(64 * KIB));
        setting.leaked(64 * KIB);
      }
    }
  }

  /** 32: names that are seen first often and then at a steady pace are all interned. */
  private static final class StringInterning extends Workload.Scenario {
    private static final List<String> KEPT = new ArrayList<>();
    private final Workload.Setting setting;
    private int next;

    StringInterning(Workload.Setting setting) {
      this.setting = setting;
      setting.onset();
    }

    @Override
    void request() {
      int name = setting.random.nextInt(3) == 0 ? 1000000 + next++ : setting.random.nextInt(4000);
      String text = (name + "/" + "x".repeat(1500)).intern();
      if (name >= 1000000) {
        KEPT.add(text);
      }
    }
  }

  /** 33: keys without equals never find themselves again. */
  private static final class MutableKeys extends Workload.Scenario {
    private static final class Key {
      final int user;

      Key(int user) {
        this.user = user;
      }

      @Override
      public int hashCode() {
        return user;
      }
    }

    private final Workload.Setting setting;
    private final Map<Key, byte[]> sessions = new HashMap<>();

    MutableKeys(Workload.Setting setting) {
      this.setting = setting;
      setting.onset();
    }

    @Override
    void request() {
      if (setting.random.nextInt(4) == 0) {
        sessions.computeIfAbsent(new Key(setting.random.nextInt(500)), key -> new byte[2 * KIB]);
        setting.leaked(2 * KIB);
      }
    }
  }

  /** 40: short-lived objects. */
  private static final class Churn extends Workload.Scenario {
    private final Workload.Setting setting;
    private final byte[][] recent = new byte[256][];
    private final byte[] base = new byte[30 * MIB];

    Churn(Workload.Setting setting) {
      this.setting = setting;
      base[0] = 1;
    }

    @Override
    void request() {
      recent[setting.random.nextInt(recent.length)] = new byte[KIB + setting.random.nextInt(64 * KIB)];
    }
  }

  /** 47: classes are defined and compiled ever more rarely. */
  private static final class ManyClasses extends Workload.Scenario {
    private static final int TOTAL_PER_LOG = 800;
    private final byte[] bytecode;
    private final List<Class<?>> defined = new ArrayList<>();

    ManyClasses() {
      try (InputStream in = Scenarios.class.getResourceAsStream("Handler.class")) {
        bytecode = in.readAllBytes();
      } catch (IOException error) {
        throw new IllegalStateException(error);
      }
    }

    @Override
    void tick(double seconds) {
      int wanted = (int) (TOTAL_PER_LOG * Math.log1p(seconds / 60));
      try {
        while (defined.size() < wanted) {
          defined.add(
              MethodHandles.lookup()
                  .defineHiddenClass(bytecode, true, MethodHandles.Lookup.ClassOption.STRONG)
                  .lookupClass());
        }
      } catch (IllegalAccessException error) {
        throw new IllegalStateException(error);
      }
    }
  }

  /** 54, 68: objects live long enough to be promoted and then wait for a collection of the old generation. */
  private static final class PromotedGarbage extends Workload.Scenario {
    private final Workload.Setting setting;
    private final ArrayDeque<byte[]> recent = new ArrayDeque<>();

    PromotedGarbage(Workload.Setting setting) {
      this.setting = setting;
    }

    @Override
    void request() {
      recent.addLast(new byte[KIB + setting.random.nextInt(3 * KIB)]);
      if (recent.size() > 6000) {
        recent.removeFirst();
      }
    }
  }

  /** 62: a cache of least recently used entries. */
  private static final class LruCache extends Workload.Scenario {
    private static final int ENTRIES = 20000;
    private final Workload.Setting setting;
    private final LinkedHashMap<Integer, byte[]> cache =
        new LinkedHashMap<>(16, 0.75F, true) {
          @Override
          protected boolean removeEldestEntry(Map.Entry<Integer, byte[]> eldest) {
            return size() > ENTRIES;
          }
        };

    LruCache(Workload.Setting setting) {
      this.setting = setting;
    }

    @Override
    void request() {
      cache.computeIfAbsent(setting.random.nextInt(60000), key -> new byte[3 * KIB]);
    }
  }

  /** 64: a cache that the collector clears when the heap is full. */
  private static final class SoftReferences extends Workload.Scenario {
    private final Workload.Setting setting;
    private final Map<Integer, SoftReference<byte[]>> cache = new HashMap<>();

    SoftReferences(Workload.Setting setting) {
      this.setting = setting;
    }

    @Override
    void request() {
      int key = setting.random.nextInt(200000);
      SoftReference<byte[]> known = cache.get(key);
      if (known == null || known.get() == null) {
        cache.put(key, new SoftReference<>(new byte[2 * KIB]));
      }
    }
  }

  /** 69: garbage in batches whose size drifts; the collector adapts the generations to it. */
  private static final class DriftingAmplitude extends Workload.Scenario {
    private final Workload.Setting setting;
    private double batchKib = 64;

    DriftingAmplitude(Workload.Setting setting) {
      this.setting = setting;
    }

    @Override
    void request() {
      batchKib = Math.max(16, Math.min(640, batchKib * Math.exp(0.01 * setting.random.nextGaussian())));
      List<byte[]> batch = new ArrayList<>();
      for (int i = 0; i < batchKib / 16; ++i) {
        batch.add(new byte[16 * KIB]);
      }
    }
  }
}
