import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/** What is to be done later, in order. Times are in nanoseconds. */
final class Timers {
    /** Something to be done. */
    record Timer(long due, Runnable action) {}

    private final List<Timer> timers = new ArrayList<>();

    Timer add(long due, Runnable action) {
        Timer timer = new Timer(due, action);
        int place = timers.size();
        while (place > 0 && timers.get(place - 1).due > due) place--;
        timers.add(place, timer);
        return timer;
    }

    void remove(Timer timer) {
        timers.removeIf(other -> other == timer);
    }

    /** When the next is due; null if there is none. */
    Long next() {
        return timers.isEmpty() ? null : timers.get(0).due;
    }

    /** Does what is due, one after the other. */
    void fire(LongSupplier now) {
        while (!timers.isEmpty() && timers.get(0).due <= now.getAsLong()) {
            timers.remove(0).action.run();
        }
    }
}
