/** A class that is defined many times over, as frameworks generate handlers. */
final class Handler {
  private final int[] state = new int[8];

  int handle(int value) {
    for (int i = 0; i < state.length; ++i) {
      state[i] += value ^ i;
    }
    return state[value & 7];
  }

  String describe(String name) {
    return name + ":" + state[0] + ":" + state[1];
  }
}
