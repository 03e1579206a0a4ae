import java.util.HashMap;
import java.util.Map;

/**
 * A Java service with nothing of heapfloor in it: its orders are never delivered, 1 MiB a second.
 *
 * <p>java -Xmx256m Orders.java [SECONDS]. It ends by itself, and stops growing at 150 MiB.
 */
public final class Orders {
  private static final int TICKS_A_SECOND = 32;
  private static final int ORDERS_A_TICK = 4;
  private static final int MOST = 19_200;

  private record Order(int number, byte[] lines) {}

  private static final Map<Integer, Order> OPEN = new HashMap<>();

  private static volatile byte[] answer;

  private static void place(int number) {
    OPEN.put(number, new Order(number, new byte[8192]));
  }

  public static void main(String[] arguments) throws InterruptedException {
    int seconds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 600;
    for (int tick = 0; tick < seconds * TICKS_A_SECOND; ++tick) {
      for (int i = 0; i < ORDERS_A_TICK && OPEN.size() < MOST; ++i) {
        place(OPEN.size());
      }
      answer = new byte[8192];
      if (tick % (2 * TICKS_A_SECOND) == 0) {
        System.gc(); // by itself each hours or days; here a day is over in minutes
      }
      Thread.sleep(1000 / TICKS_A_SECOND);
    }
    System.exit(0);
  }
}
