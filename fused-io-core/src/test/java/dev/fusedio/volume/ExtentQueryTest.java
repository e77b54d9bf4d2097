package dev.fusedio.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class ExtentQueryTest {
    private static final class Query extends ExtentQuery {
        private Query() {
            super(3);
        }

        @Override
        public void onExtents(final int result) {
            throw new AssertionError("nobody calls");
        }
    }

    private final Query query = new Query();

    @Test
    void neighboursOfOneStateAreJoined() {
        query.ask(0, 100, 3);
        assertThat(query.add(10, ExtentQuery.DATA)).isTrue();
        assertThat(query.add(20, ExtentQuery.DATA)).isTrue();
        assertThat(query.add(5, ExtentQuery.HOLE_AND_ZERO)).isTrue();
        assertThat(query.count()).isEqualTo(2);
        assertThat(query.extentLength(0)).isEqualTo(30);
        assertThat(query.extentState(1)).isEqualTo(ExtentQuery.HOLE_AND_ZERO);
    }

    @Test
    void anAnswerEndsWhenItIsFull() {
        query.ask(0, 100, 2);
        query.add(10, ExtentQuery.DATA);
        assertThat(query.isFull()).isFalse();
        query.add(10, ExtentQuery.HOLE_AND_ZERO);
        assertThat(query.isFull()).isTrue();
        assertThat(query.add(10, ExtentQuery.DATA)).isFalse();
        assertThat(query.add(10, ExtentQuery.HOLE_AND_ZERO))
                .as("the last one may grow")
                .isTrue();
        assertThat(query.count()).isEqualTo(2);
    }

    @Test
    void itsRoomIsTheLimit() {
        query.ask(7, 100, 1000);
        query.add(1, ExtentQuery.DATA);
        query.add(1, ExtentQuery.HOLE_AND_ZERO);
        query.add(1, ExtentQuery.DATA);
        assertThat(query.isFull()).isTrue();
        query.ask(9, 50, 0);
        assertThat(query.count()).isZero();
        assertThat(query.position()).isEqualTo(9);
        query.add(1, ExtentQuery.DATA);
        assertThat(query.isFull()).isTrue();
    }

    @Test
    void allIsDataWhenNothingIsKnown() {
        query.ask(5, 77, 3);
        query.add(10, ExtentQuery.HOLE_AND_ZERO);
        query.resetToData();
        assertThat(query.count()).isEqualTo(1);
        assertThat(query.extentLength(0)).isEqualTo(77).isEqualTo(query.length());
        assertThat(query.extentState(0)).isEqualTo(ExtentQuery.DATA);
    }

    @Test
    void anExtentHasALength() {
        query.ask(0, 10, 1);
        assertThatIllegalArgumentException().isThrownBy(() -> query.add(0, ExtentQuery.DATA));
        assertThatIllegalArgumentException().isThrownBy(() -> query.add(-1, ExtentQuery.DATA));
    }
}
